"""Fisher diagonals as float64 arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation

Array = npt.NDArray[np.float64]
Diagonal = Mapping[str, Array]  # By name of the parameter.


def paired(ab: Observation, bb: Observation) -> list[tuple[Array, Array]]:
    """Return the two Fishers' values tensor by tensor, in name order.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        One pair of arrays a tensor. Fishers of different tensors are refused by InputError.
    """
    return tensor_pairs(ab.diagonal, bb.diagonal, f"the Fishers of {ab.source!r} and {bb.source!r} on {bb.target!r}")


def tensor_pairs(f: Diagonal, g: Diagonal, which: str = "two Fishers") -> list[tuple[Array, Array]]:
    """Return the values of two Fisher diagonals tensor by tensor, in name order.

    Args:
        f: By name of the parameter.
        g: The same.
        which: What they are of, for messages.

    Returns:
        One pair of arrays a tensor.

    Raises:
        InputError: If the two hold different tensors.
    """
    if {name: value.shape for name, value in f.items()} != {name: value.shape for name, value in g.items()}:
        raise InputError(
            f"{which} hold different parameters; expected one network; compute both again with the same probe."
        )
    return [(f[name], g[name]) for name in sorted(f)]


def whole(ab: Observation, bb: Observation) -> tuple[Array, Array]:
    """Return the two Fishers as one vector each, over all tensors in name order."""
    return joined(paired(ab, bb))


def joined(pairs: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return pairs of tensors as two vectors."""
    f, g = zip(*pairs, strict=True)
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
