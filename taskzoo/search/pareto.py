"""What several objectives leave to choose from: the Pareto front, and how much of the plane it covers."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from taskzoo.params import CostName
from taskzoo.search.metrics import Metrics, cost_of

Found = TypeVar("Found", bound=Metrics)


def front(found: Sequence[Found], costs: Sequence[CostName]) -> list[Found]:
    """Return what nothing else beats: no worse in accuracy and every cost, and better in one.

    Args:
        found: Architectures with their metrics.
        costs: That count beside the accuracy.

    Returns:
        The undominated, by falling accuracy; of those alike in all of it, the first.
    """
    if not found:
        return []
    # Lower is better in every column.
    points = np.array([[-each.accuracy, *(cost_of(each, cost) for cost in costs)] for each in found])
    _, first = np.unique(points, axis=0, return_index=True)  # Sorted: what beats a point comes before it.
    kept: list[int] = []
    for index in first:
        if not any((points[other] <= points[index]).all() for other in kept):
            kept.append(int(index))
    return [found[index] for index in kept]


def hypervolume(accuracies: npt.ArrayLike, costs: npt.ArrayLike, reference: float) -> float:
    """Return the area under the staircase that points make: of all (accuracy, cost) that one of them is no worse than.

    Args:
        accuracies: Of the points, in [0, 1].
        costs: Of the points, one each.
        reference: The cost up to which the plane is counted, and which counts as 1.

    Returns:
        In [0, 1]; 1 were an accuracy of 1 for nothing.
    """
    order = np.argsort(np.asarray(costs, dtype=np.float64), kind="stable")
    ends = np.clip(np.asarray(costs, dtype=np.float64)[order], None, reference)
    heights = np.maximum.accumulate(np.asarray(accuracies, dtype=np.float64)[order])
    return float(np.sum(heights * np.diff(np.append(ends, reference)))) / reference
