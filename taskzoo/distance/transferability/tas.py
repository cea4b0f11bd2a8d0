"""The task affinity score: how differently a source's network sees its own images and the target's.

One network, two sets of images: there is no network of the target's own, which few images could not train. The
network has the source's classes, so the target's images are relabelled with those that look most alike to it.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from taskzoo.distance.transferability.arrays import Array
from taskzoo.distance.vectors import Diagonal, hellinger_squared, joined, tensor_pairs


def matching(source: Array, target: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pair source with target classes so that the sum of the distances of their mean features is least.

    The paper draws source tasks of as many classes as the target has. Here K, the smaller of the two numbers, are
    paired, and what is left over of the other task belongs to neither side of the score.

    Source: Le et al. 2022 (arXiv 2110.02399), who match classes by their centroids.

    Args:
        source: Mean features of its classes through the source's network, [Z, D].
        target: The same of the target's, [C, D].

    Returns:
        Classes of the source [K], ascending, and their partners of the target [K].
    """
    rows, columns = linear_sum_assignment(cdist(source, target))
    return rows.astype(np.int64), columns.astype(np.int64)


def tas(own: Diagonal, relabelled: Diagonal) -> float:
    """Return 1/sqrt(2) || F_aa^(1/2) - F_ab^(1/2) ||_F of two diagonals, each of unit trace over the whole network.

    Source: Le et al. 2022 (arXiv 2110.02399), the task affinity score with the diagonal Fisher.

    Args:
        own: Fisher of the source's network, head included, on the source's images.
        relabelled: The same network's on the target's images, labelled by their classes' partners.

    Returns:
        In [0, 1]: 0 where both sets of images ask for the same changes, 1 where no parameter matters to both. Diagonals
        of different networks are refused by InputError.
    """
    f, g = joined(tensor_pairs(own, relabelled, "the Fishers of a source's network on two sets of images"))
    if not f.any() or not g.any():
        return float(f.any() or g.any())
    return math.sqrt(hellinger_squared(f, g))
