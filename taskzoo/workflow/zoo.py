"""The registered tasks, with their packages at hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from taskzoo.errors import InputError
from taskzoo.registry.package import Package, read_package
from taskzoo.registry.query import ZooEntry
from taskzoo.registry.store import Registry

CACHE = Path(".taskzoo/packages")


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


def load_zoo(fingerprint: str, names: Iterable[str] | None = None) -> dict[str, ZooTask]:
    """Find the tasks of one probe in the registry and fetch their packages.

    Args:
        fingerprint: Of the probe.
        names: The tasks wanted; all of that probe where left out.

    Returns:
        Tasks by name, in the order asked for.

    Raises:
        InputError: If the registry has no task of this probe, or a wanted one is missing.
    """
    registry = Registry(None, Path())
    entries = {entry.name: entry for entry in registry.query(fingerprint)}
    wanted = list(entries if names is None else names)
    missing = [name for name in wanted if name not in entries]
    if missing or not wanted:
        raise InputError(
            f"the registry {registry.uri} has {sorted(entries)} for probe {fingerprint}; expected "
            f"{missing or 'at least one task'}; run `make repro`, or `taskzoo register` if the store was lost."
        )
    return {name: ZooTask(entries[name], read_package(registry.fetch(entries[name], CACHE))) for name in wanted}
