"""What a measure of distance between tasks is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from taskzoo.fisher.observation import Observation

Need = Literal["fisher", "features", "gradients", "labels"]
Function = Callable[[Observation, Observation], float]


class MeasureFacts(BaseModel):
    """What a reader of numbers must know of their measure.

    Attributes:
        lower_is_closer: Whether a smaller value means a nearer source.
        symmetric: Whether the value from a to b is always that from b to a.
        range: Least and greatest possible value; None where there is no bound.
        source: Paper and equation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lower_is_closer: bool
    symmetric: bool
    range: tuple[float | None, float | None]
    source: str


@dataclass(frozen=True)
class Measure:
    """A number for source a and target b.

    Args:
        name: As in params.yaml.
        function: Maps the observations of a on b and of b on b, in this order, to the value.
        symmetric: Whether the value from a to b is always that from b to a.
        lower_is_closer: Whether a smaller value means a nearer source.
        needs: Parts of an observation that are read.
        range: Least and greatest possible value.
        source: Paper and equation.
    """

    name: str
    function: Function
    symmetric: bool
    lower_is_closer: bool
    needs: frozenset[Need]
    range: tuple[float, float]
    source: str

    def facts(self) -> MeasureFacts:
        """Return the declaration in a form for files."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.range)
        return MeasureFacts(
            lower_is_closer=self.lower_is_closer,
            symmetric=self.symmetric,
            range=(low, high),
            source=self.source,
        )
