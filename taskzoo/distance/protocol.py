"""What a measure of distance between tasks is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from taskzoo.distance.appearance import Appearance
from taskzoo.fisher.observation import Observation

Need = Literal["fisher", "features", "gradients", "labels", "images"]


@dataclass(frozen=True)
class Pair:
    """What a measure may look at of a source a and a target b.

    Args:
        ab: a's network on b.
        bb: b's own network on b.
        source: How a's images look; None for the initial state, which has none.
        target: How b's images look.
    """

    ab: Observation
    bb: Observation
    source: Appearance | None
    target: Appearance


Function = Callable[[Pair], float]


class MeasureFacts(BaseModel):
    """What a reader of numbers must know of their measure.

    Attributes:
        lower_is_closer: Whether a smaller value means a nearer source.
        symmetric: Whether the value from a to b is always that from b to a.
        range: Least and greatest possible value; None where there is no bound.
        needs_labels: Whether the target's labels are read.
        dense: Whether it is defined where the target is an image instead of a class.
        source: Paper and equation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lower_is_closer: bool
    symmetric: bool
    range: tuple[float | None, float | None]
    needs_labels: bool
    dense: bool
    source: str


@dataclass(frozen=True)
class Measure:
    """A number for source a and target b.

    Args:
        name: As in params.yaml.
        function: Maps a pair to the value.
        symmetric: Whether the value from a to b is always that from b to a.
        lower_is_closer: Whether a smaller value means a nearer source.
        needs: What is read of a pair; "images" are the source's too, so that the initial state has no value.
        dense: Whether it is defined where the target is an image instead of a class.
        range: Least and greatest possible value.
        source: Paper and equation.
    """

    name: str
    function: Function
    symmetric: bool
    lower_is_closer: bool
    needs: frozenset[Need]
    dense: bool
    range: tuple[float, float]
    source: str

    @property
    def needs_labels(self) -> bool:
        """Whether the target's labels are read; the Fisher reads them through the likelihood."""
        return not self.needs.isdisjoint({"labels", "fisher"})

    def facts(self) -> MeasureFacts:
        """Return the declaration in a form for files."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.range)
        return MeasureFacts(
            lower_is_closer=self.lower_is_closer,
            symmetric=self.symmetric,
            range=(low, high),
            needs_labels=self.needs_labels,
            dense=self.dense,
            source=self.source,
        )
