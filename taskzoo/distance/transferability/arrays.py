"""Arrays and sums that several scores need."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
ROUNDING = 1e-12  # Differences below this share of the largest value say nothing.


def one_hot(labels: Labels, classes: int) -> Array:
    """Return [N, C]."""
    return np.eye(classes)[labels]


def centred(values: Array) -> Array:
    """Return values minus their mean row; exact zeros in a column that does not vary."""
    shifted: Array = values - values[0]
    mean: Array = shifted.mean(0)
    return shifted - mean


def double_centred(gram: Array) -> Array:
    """Return a Gram matrix of centred rows."""
    return centred(centred(gram).T).T


def unit_rows(features: Array) -> Array:
    """Return centred features, each row of unit norm; zeros in place of one that is rounding."""
    rows = centred(features)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    some = norms > ROUNDING * max(float(norms.max()), np.finfo(np.float64).tiny)
    unit: Array = rows / np.where(some, norms, np.inf)
    return unit


def class_means(features: Array, labels: Labels) -> tuple[Array, Array]:
    """Return the means [C', D] and sizes [C'] of the classes that are there."""
    present, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(present), features.shape[1]))
    np.add.at(sums, index, features)
    return sums / counts[:, None], counts.astype(np.float64)


def spectrum(features: Array) -> tuple[Array, Array, Array]:
    """Return U [N, k], singular values [k] and V' [k, D] of centred features, without those that are rounding."""
    left, values, right = np.linalg.svd(centred(features), full_matrices=False)
    keep = values > max(features.shape) * np.finfo(np.float64).eps * max(values.max(initial=0), 1e-300)
    return left[:, keep], values[keep], right[keep]
