"""Fisher diagonals as float64 arrays."""

import numpy as np
import numpy.typing as npt

from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation

Array = npt.NDArray[np.float64]


def paired(ab: Observation, bb: Observation) -> list[tuple[Array, Array]]:
    """Return the two Fishers' values tensor by tensor, in name order.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        One pair of arrays a tensor.

    Raises:
        InputError: If the two hold different tensors.
    """
    shapes = [{name: tuple(value.shape) for name, value in one.fisher.items()} for one in (ab, bb)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"the Fishers of {ab.source!r} and {bb.source!r} on {bb.target!r} hold different parameters; "
            "expected one network; compute both again with the same probe."
        )
    return [(ab.diagonal[name], bb.diagonal[name]) for name in sorted(shapes[0])]


def whole(ab: Observation, bb: Observation) -> tuple[Array, Array]:
    """Return the two Fishers as one vector each, over all tensors in name order."""
    f, g = zip(*paired(ab, bb), strict=True)
    return np.concatenate([one.ravel() for one in f]), np.concatenate([one.ravel() for one in g])


def hellinger_squared(f: Array, g: Array) -> float:
    """Return half the squared distance of the roots of two arrays, each scaled to sum one.

    Args:
        f: Non-negative, with a positive sum.
        g: The same.

    Returns:
        A value in [0, 1].

    Example:
        >>> hellinger_squared(np.array([1.0, 0.0]), np.array([0.0, 5.0]))
        1.0
    """
    # The sum of squares, not 1 - sum of products: the latter loses all digits of small distances.
    value = 0.5 * float(np.square(np.sqrt(f / f.sum()) - np.sqrt(g / g.sum())).sum())
    return min(value, 1.0)
