"""All distances between all tasks: rows sources, columns targets."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.progress import track

from taskzoo.distance.catalogue import measure
from taskzoo.distance.protocol import Measure, MeasureFacts
from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation, load_observation
from taskzoo.fisher.pairs import observation_path
from taskzoo.fisher.summary import check_comparable

Column = dict[str, list[float]]  # Source -> one value a repeat.


class Distances(BaseModel):
    """Distances of every measure, source, target and repeat.

    Attributes:
        schema_version: Of this file.
        tasks: Targets, in order.
        sources: In order; the initial state is one of them.
        repeats: Values a pair.
        fingerprint: Of the probe.
        values: measure -> target -> source -> one value a repeat.
        facts: What the values of each measure mean.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    tasks: list[str]
    sources: list[str]
    repeats: int = Field(ge=1)
    fingerprint: str
    values: dict[str, dict[str, Column]]
    facts: dict[str, MeasureFacts]

    def table(self) -> pd.DataFrame:
        """Return one row a value, with columns measure, source, target, repeat and value."""
        rows = [
            (name, source, target, repeat, value)
            for name, columns in self.values.items()
            for target, column in columns.items()
            for source, values in column.items()
            for repeat, value in enumerate(values)
        ]
        return pd.DataFrame(rows, columns=["measure", "source", "target", "repeat", "value"])

    def mean(self, name: str) -> pd.DataFrame:
        """Return a measure's mean over repeats: rows sources, columns targets."""
        return self._matrix(name, "mean")

    def std(self, name: str) -> pd.DataFrame:
        """Return a measure's sample standard deviation over repeats: rows sources, columns targets."""
        return self._matrix(name, "std")

    def _matrix(self, name: str, statistic: str) -> pd.DataFrame:
        table = self.table()
        groups = table[table["measure"] == name].groupby(["source", "target"])["value"]
        return groups.agg(statistic).unstack("target").reindex(index=self.sources, columns=self.tasks)


def compute_distances(
    folder: Path, sources: Sequence[str], targets: Sequence[str], repeats: int, measures: Sequence[str]
) -> Distances:
    """Compute measures from saved observations.

    Args:
        folder: That ``observe_pairs`` filled.
        sources: Tasks, and the initial state.
        targets: Tasks; each must have been observed with its own network too.
        repeats: Values a pair.
        measures: Names.

    Returns:
        The distances.

    Raises:
        InputError: If an observation is missing, damaged or not comparable, or a value is not a number.
    """
    chosen = [measure(name) for name in measures]
    values: dict[str, dict[str, Column]] = {
        one.name: {target: {source: [] for source in sources} for target in targets} for one in chosen
    }
    fingerprints = set()
    columns = [(target, repeat) for target in targets for repeat in range(repeats)]
    for target, repeat in track(columns, "distances", console=Console(stderr=True)):
        own = load_observation(observation_path(folder, target, target, repeat))
        fingerprints.add(own.provenance.fingerprint)
        for source in sources:
            other = own
            if source != target:
                other = load_observation(observation_path(folder, source, target, repeat))
            check_comparable(other.provenance, own.provenance)
            for one in chosen:
                values[one.name][target][source].append(_value(one, other, own))
    if len(fingerprints) != 1:
        raise InputError(
            f"{folder} holds observations of {len(fingerprints)} different probes; expected one; delete it "
            "and run the fisher stage again."
        )
    return Distances(
        tasks=list(targets),
        sources=list(sources),
        repeats=repeats,
        fingerprint=fingerprints.pop(),
        values=values,
        facts={one.name: one.facts() for one in chosen},
    )


def _value(one: Measure, ab: Observation, bb: Observation) -> float:
    """Return a measure's value, checked.

    Raises:
        InputError: If it is not a finite number.
    """
    value = one.function(ab, bb)
    if not math.isfinite(value):
        raise InputError(
            f"{one.name} from {ab.source!r} to {ab.target!r} (repeat {ab.repeat}) is {value}; expected a "
            "finite number; look at the two probes' training, or leave the measure out of distance.measures."
        )
    return value
