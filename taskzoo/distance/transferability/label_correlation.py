"""Correlation between how alike samples are to a network and how alike their labels are."""

import numpy as np

from taskzoo.distance.transferability.arrays import ROUNDING, Array, centred, double_centred


def label_correlation(gram: Array, responses: Array) -> float:
    """Return the correlation of a Gram matrix with that of the labels, both centred, off the diagonal.

    With features it is LFC, with gradients LGC. Centred along both axes: else the direction of the mean decides, and
    one-hot classes would not say the same as the paper's 1 for a shared label and -1 for another.

    Source: Deshpande et al. 2021 (arXiv 2102.00084), equations 5 and 6.

    Args:
        gram: [N, N].
        responses: One-hot classes or numbers, [N, C].

    Returns:
        In [-1, 1].
    """
    left, right = _off_diagonal(gram), _off_diagonal(responses @ responses.T)
    norm = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / norm) if norm > 0 else 0.0


def _off_diagonal(gram: Array) -> Array:
    """Return the centred entries off the diagonal; zeros where they differ by rounding only."""
    values: Array = double_centred(gram)[~np.eye(len(gram), dtype=bool)]
    return centred(values) if np.ptp(values) > ROUNDING * np.abs(gram).max() else np.zeros_like(values)
