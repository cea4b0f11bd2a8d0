"""What is measured of a trained architecture."""

from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field

from taskzoo.params import CostName

Accuracy = Annotated[float, Field(ge=0, le=1)]


class Measured(BaseModel):
    """A cost that depends on the machine.

    Attributes:
        median: Over repeats.
        spread: Their interquartile range.
        repeats: Timed blocks of inferences.
        machine: That was measured, by its name.
        idle_power: What the machine drew before, in watts; None where that was not measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    median: float = Field(ge=0)
    spread: float = Field(ge=0)
    repeats: int = Field(ge=1)
    machine: str
    idle_power: float | None = None


class Metrics(BaseModel):
    """Of one trained architecture; what was not asked for, or cannot be measured here, is None.

    Attributes:
        accuracy: On the validation images, in [0, 1]; of a dense target the skill, 0 where it is worse than none.
        parameters: Of the whole network, trunk included.
        macs: Multiply-accumulates of the whole network on one image.
        memory: Bytes that one inference on one image holds at most at a time, weights included.
        latency: Of one inference on one image, in milliseconds.
        energy: Of one image, in joules.
        peak_power: In watts, during inference.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: Accuracy
    parameters: int = Field(ge=0)
    macs: int = Field(ge=0)
    memory: int | None = Field(None, ge=0)
    latency: Measured | None = None
    energy: Measured | None = None
    peak_power: Measured | None = None


def measured_costs(metrics: Metrics) -> dict[str, float]:
    """Return a number for every cost that was counted or measured."""
    return {cost: cost_of(metrics, cost) for cost in get_args(CostName) if getattr(metrics, cost) is not None}


def cost_of(metrics: Metrics, cost: CostName) -> float:
    """Return a cost.

    Args:
        metrics: That have it.
        cost: Which.

    Returns:
        What was counted, or the median of what was measured.

    Raises:
        ValueError: If it was not measured.
    """
    value = getattr(metrics, cost)
    if value is None:
        raise ValueError(f"the {cost} was not measured")
    return value.median if isinstance(value, Measured) else float(value)
