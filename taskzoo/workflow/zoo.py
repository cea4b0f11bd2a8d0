"""The registered tasks, with their packages at hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taskzoo.distance.appearance import Appearance, look
from taskzoo.errors import InputError
from taskzoo.fisher.samples import draw_some
from taskzoo.params import MeasureName, Params
from taskzoo.probe.forms import AnyTask, form_of
from taskzoo.probe.network import State, device
from taskzoo.recommend.experience import PastTransfer, source_effects
from taskzoo.recommend.recommendation import scale
from taskzoo.recommend.shortlist import coarse_ranking
from taskzoo.registry.index import Index
from taskzoo.registry.package import Package, read_package
from taskzoo.registry.query import ZooEntry
from taskzoo.registry.store import Registry

CACHE = Path(".taskzoo/packages")
INDEX = Path(".taskzoo/index")


@dataclass(frozen=True)
class ZooTask:
    """A registered task.

    Args:
        entry: What the registry says of it.
        package: Its package, fetched and verified.
    """

    entry: ZooEntry
    package: Package

    def probes(self) -> list[Path]:
        """Return its probe files, one a repeat."""
        return [self.package.probe(repeat) for repeat in range(self.package.repeats)]

    def architectures(self) -> list[dict[str, str]]:
        """Return its elite architectures, best first."""
        return [elite.architecture for elite in self.package.elites.elites]


def find_index(fingerprint: str) -> Index:
    """Return the names and appearances of all registered tasks of one probe.

    Args:
        fingerprint: Of the probe.

    Returns:
        The index; it is kept, and only what changed is asked for the next time.

    Raises:
        InputError: If the registry has no task of this probe.
    """
    registry = Registry(None, Path())
    index = registry.index(fingerprint, INDEX)
    if not len(index.names):
        raise InputError(_missing(registry, [], fingerprint, "at least one task"))
    return index


def past_transfers(fingerprint: str, measure: MeasureName, likeness: float) -> list[PastTransfer]:
    """Return the transfers on record whose scores compare with those that are about to be made.

    Args:
        fingerprint: Of the probe.
        measure: That ranks.
        likeness: Weight of how alike the images look.
    """
    return Registry(None, Path()).past_transfers(fingerprint, scale(measure, likeness), INDEX)


def shortlist(index: Index, task: AnyTask, initial: State, params: Params, past: Sequence[PastTransfer]) -> list[str]:
    """Return the names of the tasks that are worth measuring: all of a small zoo, else the best of a coarse ranking.

    Args:
        index: Of the zoo.
        task: The target, with training images; it is no source of its own.
        initial: The state all probes started from.
        params: Of the zoo.
        past: Transfers on record.

    Returns:
        At most ``recommend.shortlist`` names, the best first.
    """
    count = params.recommend.shortlist
    others = [row for row, name in enumerate(index.names) if name != task.name]
    if len(others) > count:
        known = source_effects(past, task.name)
        effects = np.array([known.get(str(index.names[row]), 0.0) for row in others])
        rows = coarse_ranking(index.sketches[others], first_look(task, initial, params), effects)[:count]
        others = [others[row] for row in rows]
    return [str(index.names[row]) for row in others]


def still_registered(names: Sequence[str], fingerprint: str) -> list[str]:
    """Return those of an index's names that the registry has: the index does not see what was deleted."""
    found = {entry.name for entry in Registry(None, Path()).query(fingerprint, names)}
    return [name for name in names if name in found]


def first_look(task: AnyTask, initial: State, params: Params) -> Appearance:
    """Return how a task's training images look, through the initial state, before anything is trained."""
    form = form_of(task)
    network = form.build(params.probe, initial).to(device())
    images = draw_some(task.train, params.fisher.head_images, 0).images
    return look(network.backbone, images, form.classes, params.probe)


def load_zoo(fingerprint: str, names: Sequence[str]) -> dict[str, ZooTask]:
    """Find tasks of one probe in the registry and fetch their packages.

    Args:
        fingerprint: Of the probe.
        names: The tasks wanted.

    Returns:
        Tasks by name, in the order asked for.

    Raises:
        InputError: If the registry does not have one of them.
    """
    registry = Registry(None, Path())
    entries = {entry.name: entry for entry in registry.query(fingerprint, names)}
    missing = [name for name in names if name not in entries]
    if missing:
        raise InputError(_missing(registry, entries, fingerprint, str(missing)))
    return {name: ZooTask(entries[name], read_package(registry.fetch(entries[name], CACHE))) for name in names}


def _missing(registry: Registry, found: Iterable[str], fingerprint: str, expected: str) -> str:
    return (
        f"the registry {registry.uri} has {sorted(found)} for probe {fingerprint}; expected "
        f"{expected}; run `make repro`, or `taskzoo register` if the store was lost."
    )
