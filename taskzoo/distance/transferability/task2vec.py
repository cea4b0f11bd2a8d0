"""Task2Vec: tasks embedded by which filters of one common network matter to them, and distances of embeddings.

The Fisher is that of the common network, as it was before any task, with a head fitted to the task's images.
"""

from collections.abc import Mapping

import numpy as np

from taskzoo.distance.transferability.arrays import Array

FLOOR = 1e-8  # Added to a + b, as a share of its mean: filters that matter to neither task count as zero.
ALPHA = 0.15  # How much a task's own complexity counts.


def embedding(diagonal: Mapping[str, Array]) -> Array:
    """Return a Fisher diagonal averaged over each filter: all but the first axis of a tensor.

    An entry of a bias or a scale, and a scalar, is a filter of its own.

    Source: Achille et al. 2019 (arXiv 1902.03545), who average the Fisher over each filter.

    Args:
        diagonal: Fisher by name of the parameter.

    Returns:
        [F], in name order.
    """
    rows = [np.atleast_1d(diagonal[name]) for name in sorted(diagonal)]
    return np.concatenate([row.reshape(len(row), -1).mean(1) for row in rows])


def task2vec(source: Array, target: Array) -> float:
    """Return the symmetric distance 1 - cos(a / (a + b), b / (a + b)).

    Source: Achille et al. 2019 (arXiv 1902.03545), d_sym.

    Args:
        source: Embedding a, [F], 0 or more.
        target: Embedding b, [F], 0 or more.

    Returns:
        In [0, 1]: 0 for proportional embeddings, 1 where no filter matters to both.
    """
    total = source + target
    total = total + FLOOR * total.mean()
    if not total.any():
        return 0.0
    return _cosine_distance(source / total, target / total)


def task2vec_asymmetric(source: Array, target: Array) -> float:
    """Return d_sym(a, b) - alpha d_sym(a, t_0): of two sources as near, the one of the more complex task is nearer.

    t_0 is a task without information, for which the paper's fitted posterior is its prior: every filter has one same
    precision. Nothing fixes that precision for an exact Fisher; here it is the mean over the target's filters, one for
    all sources of a target. (As zeros, t_0 would be at distance 1 of every task, and change no order.)

    Source: Achille et al. 2019 (arXiv 1902.03545), d_asym, with the alpha they chose for their network.

    Args:
        source: Embedding a, [F], 0 or more.
        target: Embedding b, [F], 0 or more.

    Returns:
        In [-alpha, 1].
    """
    trivial = np.full_like(target, target.mean())
    return task2vec(source, target) - ALPHA * task2vec(source, trivial)


def _cosine_distance(u: Array, v: Array) -> float:
    """Return 1 - cos(u, v) of non-negative vectors, exact near 0; 1 where one of them is zero."""
    norms = np.linalg.norm(u), np.linalg.norm(v)
    if not all(norms):
        return 1.0
    return min(0.5 * float(np.square(u / norms[0] - v / norms[1]).sum()), 1.0)
