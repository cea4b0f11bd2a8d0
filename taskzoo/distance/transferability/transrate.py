"""TransRate: how much shorter a code for the features is once the labels are known."""

import numpy as np

from taskzoo.distance.transferability.arrays import Array, Labels, unit_rows

DISTORTION = 1e-4


def transrate(features: Array, labels: Labels, classes: int) -> float:
    """Return R(F) - sum_c N_c / N R(F_c), R(F) = 1/2 log det(I + F F' / (N eps)), on centred rows of unit norm.

    Source: Huang et al. 2022 (arXiv 2106.09362), equation 5.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C.

    Returns:
        0 or more, up to rounding.
    """
    rows = unit_rows(features)
    parts = [rows[labels == label] for label in range(classes)]
    return _rate(rows) - sum(len(part) / len(rows) * _rate(part) for part in parts if len(part))


def _rate(rows: Array) -> float:
    wide = rows.shape[1] > len(rows)
    gram = rows @ rows.T if wide else rows.T @ rows
    return float(np.linalg.slogdet(np.eye(len(gram)) + gram / (len(rows) * DISTORTION))[1]) / 2
