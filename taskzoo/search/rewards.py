"""What a search maximises: one number made of a network's metrics; the four rewards of MONAS (Hsu et al., 2018)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from taskzoo.search.metrics import Metrics

Reward = Callable[[Metrics], float]
Cost = Literal["parameters", "macs"]


def by_accuracy(metrics: Metrics) -> float:
    """Return the validation accuracy: the paper's maximum-accuracy reward."""
    return metrics.accuracy


@dataclass(frozen=True)
class Mixed:
    """Accuracy and cost in one sum; a sweep over the weight finds the convex parts of the Pareto front.

    Args:
        cost: Which.
        reference: The cost that counts as 1; more counts no more.
        weight: Of the accuracy, in [0, 1].
    """

    cost: Cost
    reference: float
    weight: float = 0.5

    def __call__(self, metrics: Metrics) -> float:
        """Return ``weight`` times accuracy less the rest times the cost."""
        return self.weight * metrics.accuracy - (1 - self.weight) * share(metrics, self.cost, self.reference)


@dataclass(frozen=True)
class Limit:
    """Accuracy under a hard limit.

    Args:
        cost: Which.
        limit: What is not below it earns nothing.
    """

    cost: Cost
    limit: float

    def __call__(self, metrics: Metrics) -> float:
        """Return the accuracy, or 0 at the limit and beyond."""
        return metrics.accuracy if getattr(metrics, self.cost) < self.limit else 0.0


@dataclass(frozen=True)
class Floor:
    """The cheapest network that is good enough.

    Args:
        cost: Which.
        reference: The cost that counts as 1; more counts no more.
        accuracy: What is below it earns nothing.
    """

    cost: Cost
    reference: float
    accuracy: float

    def __call__(self, metrics: Metrics) -> float:
        """Return one less the cost, or 0 below the accuracy wanted."""
        good = metrics.accuracy >= self.accuracy
        return 1 - share(metrics, self.cost, self.reference) if good else 0.0


def share(metrics: Metrics, cost: Cost, reference: float) -> float:
    """Return a cost as a share of a reference, in [0, 1]."""
    return min(float(getattr(metrics, cost)) / reference, 1.0)
