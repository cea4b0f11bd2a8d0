"""What a search maximises, one number of a network's metrics: MONAS' rewards (Hsu et al., 2018), and a soft limit."""

from collections.abc import Callable
from dataclasses import dataclass

from taskzoo.params import (
    AccuracyReward,
    CostName,
    FloorReward,
    LimitReward,
    MixedReward,
    RewardParams,
    SoftLimitReward,
)
from taskzoo.search.metrics import Metrics, cost_of

Reward = Callable[[Metrics], float]


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

    cost: CostName
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

    cost: CostName
    limit: float

    def __call__(self, metrics: Metrics) -> float:
        """Return the accuracy, or 0 at the limit and beyond."""
        return metrics.accuracy if cost_of(metrics, self.cost) < self.limit else 0.0


@dataclass(frozen=True)
class SoftLimit:
    """Accuracy less what a cost is above a limit; no published reward.

    Under the hard limit networks that are all above it earn alike, and a policy learns nothing from them.

    Args:
        cost: Which.
        limit: What is below it costs nothing.
        weight: Accuracy that twice the limit costs.
    """

    cost: CostName
    limit: float
    weight: float = 1.0

    def __call__(self, metrics: Metrics) -> float:
        """Return the accuracy less ``weight`` times the share of the limit that the cost is above it."""
        return metrics.accuracy - self.weight * max(0.0, cost_of(metrics, self.cost) / self.limit - 1)


@dataclass(frozen=True)
class Floor:
    """The cheapest network that is good enough.

    Args:
        cost: Which.
        reference: The cost that counts as 1; more counts no more.
        accuracy: What is below it earns nothing.
    """

    cost: CostName
    reference: float
    accuracy: float

    def __call__(self, metrics: Metrics) -> float:
        """Return one less the cost, or 0 below the accuracy wanted."""
        good = metrics.accuracy >= self.accuracy
        return 1 - share(metrics, self.cost, self.reference) if good else 0.0


def share(metrics: Metrics, cost: CostName, reference: float) -> float:
    """Return a cost as a share of a reference, in [0, 1]."""
    return min(cost_of(metrics, cost) / reference, 1.0)


def make_reward(params: RewardParams) -> Reward:
    """Return the reward that the parameters describe."""
    match params:
        case AccuracyReward():
            return by_accuracy
        case MixedReward():
            return Mixed(params.cost, params.reference, params.weight)
        case LimitReward():
            return Limit(params.cost, params.limit)
        case SoftLimitReward():
            return SoftLimit(params.cost, params.limit, params.weight)
        case FloorReward():
            return Floor(params.cost, params.reference, params.accuracy)
