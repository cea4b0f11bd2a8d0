"""LogME as it is usually computed, with the defect of the code that most copies of it share."""

import numpy as np

from taskzoo.distance.transferability.arrays import Array, Labels, one_hot

STEPS = 11
SMALL = 1e-5  # Added to both denominators.


def logme_usual(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean over classes of LogME's evidence without its rank term, per image.

    With k non-zero singular values s of D features, the log determinant in the evidence of You et al. 2021
    (arXiv 2102.11005, equation 2) is sum_k log(alpha + beta s^2) + (D - k) log alpha. The published code leaves the
    second part out, so that every value is (D - k) / (2 N) log alpha too large wherever there are fewer images than
    features: the scale of the features then decides. Everything else is that code's, too: features and labels as they
    are, without an intercept, and at most 11 steps of the fixed point of alpha and beta. What ``logme`` differs in.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C.

    Returns:
        Any number.
    """
    left, values, _ = np.linalg.svd(features, full_matrices=False)
    keep = values > max(features.shape) * np.finfo(np.float64).eps * values.max()
    columns = [column for column in one_hot(labels, classes).T if column.any()]
    parts = [_evidence(left[:, keep], values[keep] ** 2, features.shape[1], column) for column in columns]
    return float(np.mean(parts))


def _evidence(left: Array, squares: Array, size: int, target: Array) -> float:
    """Return the evidence of one target at the fixed point; ``size`` is D."""
    count = len(target)
    along = np.square(left.T @ target)
    outside = float(target @ target - along.sum())
    alpha, beta = 1.0, 1.0
    for _ in range(STEPS):
        before = alpha / beta
        free = float((squares / (squares + before)).sum())
        weights = float((squares * along / (squares + before) ** 2).sum())
        errors = float((along * (before / (squares + before)) ** 2).sum()) + outside
        alpha, beta = free / (weights + SMALL), max(count - free, SMALL) / (errors + SMALL)
        if abs(alpha / beta - before) <= 1e-3 * before:
            break
    fit = count * np.log(beta / (2 * np.pi)) - beta * errors - alpha * weights
    return float(fit + size * np.log(alpha) - np.log(alpha + beta * squares).sum()) / 2 / count
