"""GBC: how much Gaussians fitted to the classes overlap."""

from itertools import combinations

import numpy as np

from taskzoo.distance.transferability.arrays import Array, Labels, spectrum

SIZE = 64  # Principal components kept.
FLOOR = 1e-3  # Of a variance, as a share of the mean one.


def gbc(features: Array, labels: Labels, classes: int) -> float:
    """Return minus the mean Bhattacharyya coefficient of two classes, their covariances diagonal.

    Source: Pandy et al. 2022 (arXiv 2111.12780), equations 4 to 6; divided by the number of pairs.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C, not used.

    Returns:
        From -1 to 0.
    """
    left, values, _ = spectrum(features)
    rows = (left * values)[:, :SIZE]
    present = np.unique(labels)
    if len(present) < 2 or not rows.size:
        return -1.0
    floor = FLOOR * float(rows.var(0).mean())
    moments = [(rows[labels == each].mean(0), rows[labels == each].var(0) + floor) for each in present]
    return -float(np.mean([_coefficient(*first, *second) for first, second in combinations(moments, 2)]))


def _coefficient(mean: Array, variance: Array, other_mean: Array, other_variance: Array) -> float:
    both = (variance + other_variance) / 2
    apart = np.square(mean - other_mean) / both
    spread = np.log(both) - (np.log(variance) + np.log(other_variance)) / 2
    return float(np.exp(-(apart / 8 + spread / 2).sum()))
