"""All distances between all tasks: rows sources, columns targets."""

from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from taskzoo.distance.protocol import MeasureFacts
from taskzoo.params import MeasureName, Name

Column = dict[str, list[float]]  # Source -> one value a repeat.


Halves = dict[str, list[list[float]]]  # Source -> for each repeat, one value a half of the images.


class References(BaseModel):
    """What stands beside a target's numbers, so that they can be read.

    Attributes:
        itself: Values of the target's own network of another repeat: what a source that is the same task shows.
        chance: Values of the same network under permuted labels: what a source that tells nothing of them shows;
            empty where labels are not read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    itself: list[float]
    chance: list[float]


class DistanceColumn(BaseModel):
    """The distances from every source to one target, as they were measured when the target was packaged.

    Attributes:
        target: The task.
        ranked_by: The measure that ranks the sources.
        facts: Of each measure.
        values: Measure -> source -> one value for each repeat.
        halves: Measure -> source -> for each repeat, one value a half of the images.
        references: Measure -> what its values are read by.
        classes: Source -> how many classes it tells apart; the initial state has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    target: Name
    ranked_by: MeasureName
    facts: dict[str, MeasureFacts]
    values: dict[Name, dict[Name, list[float]]]
    halves: dict[Name, dict[Name, list[list[float]]]]
    references: dict[Name, References]
    classes: dict[Name, int]

    @model_validator(mode="after")
    def _measures_agree(self) -> "DistanceColumn":
        if set(self.facts) != set(self.values) or self.ranked_by not in self.values:
            raise ValueError(
                f"facts has {sorted(self.facts)}, values has {sorted(self.values)} and ranked_by is "
                f"{self.ranked_by!r}; expected the same measures in all"
            )
        return self

    def ranking(self) -> list[tuple[str, float]]:
        """Return the other sources with their mean value under ``ranked_by``, the closest first."""
        means = {
            source: sum(values) / len(values)
            for source, values in self.values[self.ranked_by].items()
            if source != self.target
        }
        sign = 1 if self.facts[self.ranked_by].lower_is_closer else -1
        return sorted(means.items(), key=lambda item: (sign * item[1], item[0]))


class Distances(BaseModel):
    """Distances of every measure, source, target and repeat.

    Attributes:
        schema_version: Of this file.
        tasks: Targets, in order.
        sources: In order; the initial state is one of them, where a measure has a value for it.
        repeats: Values a pair.
        ranked_by: Target -> the measure that ranks its sources.
        fingerprint: Of the probe.
        values: measure -> target -> source -> one value a repeat.
        halves: measure -> target -> source -> repeat -> one value a random half of the target's images, the same
            halves for all sources; only of measures that are cheap to compute again.
        references: measure -> target -> what to read the values by.
        facts: What the values of each measure mean.
        classes: Source -> how many classes it tells apart; the initial state has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    tasks: list[str]
    sources: list[str]
    repeats: int = Field(ge=1)
    ranked_by: dict[str, MeasureName]
    fingerprint: str
    values: dict[str, dict[str, Column]]
    halves: dict[str, dict[str, Halves]]
    references: dict[str, dict[str, References]]
    facts: dict[str, MeasureFacts]
    classes: dict[str, int]

    def column(self, target: str) -> DistanceColumn:
        """Return one target's column."""
        return DistanceColumn(
            target=target,
            ranked_by=self.ranked_by[target],
            facts=self.facts,
            values={name: targets[target] for name, targets in self.values.items()},
            halves={name: targets[target] for name, targets in self.halves.items() if target in targets},
            references={name: targets[target] for name, targets in self.references.items()},
            classes=self.classes,
        )

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
