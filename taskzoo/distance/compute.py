"""Computing every measure from saved observations, with what its numbers are read by."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from threadpoolctl import threadpool_limits

from taskzoo.distance.appearance import Appearance, appearance
from taskzoo.distance.catalogue import measure
from taskzoo.distance.matrix import Column, Distances, Halves, References
from taskzoo.distance.protocol import Measure, Pair
from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation, load_observation
from taskzoo.fisher.pairs import NO_TRANSFER, PERMUTED, observation_path
from taskzoo.fisher.summary import check_comparable
from taskzoo.params import MeasureName

HALVES = 20
RESAMPLED = frozenset({"features", "gradients", "labels"})  # Parts of an observation that can be cut to some images.


def saved_appearance(folder: Path, task: str, repeats: int) -> Appearance:
    """Return how a task's images look, from the observations of the initial state on it.

    Args:
        folder: That ``observe_pairs`` filled.
        task: The task.
        repeats: Draws of its images.

    Returns:
        The appearance over all draws.
    """
    paths = [observation_path(folder, NO_TRANSFER, task, repeat) for repeat in range(repeats)]
    return appearance([load_observation(path) for path in paths])


def compute_distances(
    folder: Path,
    sources: Sequence[str],
    targets: Sequence[str],
    repeats: int,
    measures: Sequence[str],
    ranked_by: Mapping[str, MeasureName],
    appearances: Mapping[str, Appearance],
) -> Distances:
    """Compute measures from saved observations.

    Args:
        folder: That ``observe_pairs`` filled.
        sources: Tasks, and the initial state.
        targets: Tasks; each must have been observed with its own network too.
        repeats: Values a pair.
        measures: Names.
        ranked_by: Target -> the measure that ranks its sources; its noise is told by halves of the images, where it
            needs the target's features, gradients and labels alone: a Fisher would have to be computed again.
        appearances: Of every source but the initial state.

    Returns:
        The distances.

    Raises:
        InputError: If an observation is missing, damaged or not comparable, or a value is not a number.
    """
    chosen = [measure(name) for name in measures]
    values: dict[str, dict[str, Column]] = {one.name: {} for one in chosen}
    halves: dict[str, dict[str, Halves]] = {}
    references: dict[str, dict[str, References]] = {one.name: {} for one in chosen}
    fingerprints = set()
    # The matrices are small: threads would only wait for each other, the more so on a busy machine.
    with threadpool_limits(limits=1):
        for target in track(targets, "distances", console=Console(stderr=True)):
            own = _own(folder, target, repeats)
            fingerprints |= {pair.bb.provenance.fingerprint for pair in own}
            halved = [one for one in chosen if one.name == ranked_by[target] and one.needs <= RESAMPLED]
            for one in halved:
                halves.setdefault(one.name, {})[target] = {}
            for one in chosen:
                values[one.name][target] = {}
                references[one.name][target] = _references(one, folder, own)
            for source in sources:
                pairs = [_from(folder, source, pair, appearances.get(source)) for pair in own]
                for one in chosen:
                    if source == NO_TRANSFER and "images" in one.needs:
                        continue
                    values[one.name][target][source] = [_value(one, pair) for pair in pairs]
                for one in halved:
                    halves[one.name][target][source] = [[_value(one, each) for each in _halves(p)] for p in pairs]
    if len(fingerprints) != 1:
        raise InputError(
            f"{folder} holds observations of {len(fingerprints)} different probes; expected one; delete it "
            "and run the fisher stage again."
        )
    return Distances(
        tasks=list(targets),
        sources=list(sources),
        repeats=repeats,
        ranked_by=dict(ranked_by),
        fingerprint=fingerprints.pop(),
        values=values,
        halves=halves,
        references=references,
        facts={one.name: one.facts() for one in chosen},
        classes={name: looks.classes for name, looks in appearances.items() if name in sources},
    )


def _load(folder: Path, source: str, target: str, repeat: int) -> Observation:
    return load_observation(observation_path(folder, source, target, repeat))


def _own(folder: Path, target: str, repeats: int) -> list[Pair]:
    """Return a target with itself, for each repeat."""
    out = []
    for repeat in range(repeats):
        bb = _load(folder, target, target, repeat)
        looks = appearance([_load(folder, NO_TRANSFER, target, repeat)])
        out.append(Pair(bb, bb, looks, looks))
    return out


def _from(folder: Path, source: str, own: Pair, looks: Appearance | None) -> Pair:
    """Return a source with a target, in one repeat."""
    target, repeat = own.bb.target, own.bb.repeat
    ab = own.bb if source == target else _load(folder, source, target, repeat)
    check_comparable(ab.provenance, own.bb.provenance)
    return replace(own, ab=ab, source=looks)


def _halves(pair: Pair) -> Iterator[Pair]:
    """Yield the pair on random halves of each class's samples; the same for every source."""
    # Of a dense target's samples none is like another.
    labels = pair.ab.labels.numpy() if pair.ab.classes else np.zeros(len(pair.ab.labels))
    rng = np.random.default_rng([pair.ab.repeat, *pair.ab.target.encode()])
    for _ in range(HALVES):
        parts = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        kept = torch.from_numpy(np.sort(np.concatenate([part[: -(-len(part) // 2)] for part in parts])))
        few = kept[kept < len(pair.ab.gram)]
        gram = pair.ab.gram[few][:, few]
        yield replace(
            pair, ab=replace(pair.ab, features=pair.ab.features[kept], gram=gram, labels=pair.ab.labels[kept])
        )


def _references(one: Measure, folder: Path, own: Sequence[Pair]) -> References:
    """Compute a measure for the target itself, trained and drawn anew, and for its labels permuted."""
    others = [*own[1:], own[0]]
    itself = [_value(one, replace(a, ab=b.bb, source=b.target)) for a, b in zip(own, others, strict=True)]
    if not one.needs_labels:
        return References(itself=itself, chance=[])
    permuted = [_load(folder, PERMUTED, pair.bb.target, pair.bb.repeat) for pair in own]
    chance = [_value(one, replace(pair, ab=ab)) for pair, ab in zip(own, permuted, strict=True)]
    return References(itself=itself, chance=chance)


def _value(one: Measure, pair: Pair) -> float:
    """Return a measure's value, checked.

    Raises:
        InputError: If it is not a finite number.
    """
    value = one.function(pair)
    if not math.isfinite(value):
        raise InputError(
            f"{one.name} from {pair.ab.source!r} to {pair.ab.target!r} (repeat {pair.ab.repeat}) is {value}; expected "
            "a finite number; look at the two probes' training, or leave the measure out of distance.measures."
        )
    return value
