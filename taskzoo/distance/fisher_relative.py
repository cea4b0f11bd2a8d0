"""Task2Vec's cosine of relative Fishers, on filter averages."""

import numpy as np

from taskzoo.distance.protocol import Measure
from taskzoo.distance.vectors import Array, paired
from taskzoo.fisher.observation import Observation

FLOOR = 1e-8  # Added to f + g, as a share of its mean: filters that matter to neither task count as zero.


def fisher_relative(ab: Observation, bb: Observation) -> float:
    """Return 1 - cos(f / (f + g), g / (f + g)), with f and g averaged over each output filter.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance in [0, 1]: 0 for proportional diagonals, 1 where no filter matters to both.
    """
    pairs = [(_filters(f), _filters(g)) for f, g in paired(ab, bb)]
    f, g = (np.concatenate(side) for side in zip(*pairs, strict=True))
    total = f + g
    total = total + FLOOR * total.mean()
    return _cosine_distance(f / total, g / total)


def _filters(value: Array) -> Array:
    """Return the mean over all but the first axis; a scalar parameter is one filter."""
    rows = np.atleast_1d(value)
    means: Array = rows.reshape(len(rows), -1).mean(1)
    return means


def _cosine_distance(u: Array, v: Array) -> float:
    """Return 1 - cos(u, v) of non-negative vectors, exact near 0."""
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    return min(0.5 * float(np.square(u - v).sum()), 1.0)


FISHER_RELATIVE = Measure(
    name="fisher_relative",
    function=fisher_relative,
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    range=(0.0, 1.0),
    source="Achille et al., Task2Vec (arXiv 1902.03545), normalised cosine, between F_ab and F_bb",
)
