"""SFDA: the fit of a shrunk linear discriminant, after each image was moved towards the classes it is mistaken for."""

import numpy as np
from scipy.special import log_softmax

from taskzoo.distance.transferability.arrays import Array, Labels, class_means, spectrum


def sfda(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean log probability of the labels under the second of two discriminants.

    Source: Shao et al. 2022 (arXiv 2207.03036), equations 4 to 8; features at unit scale, so that the shrinkage does
    not depend on it, and the log of the probability, which does not saturate.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C.

    Returns:
        0 at most.
    """
    left, values, _ = spectrum(features)
    rows = left * values
    if not rows.size:
        return -float(np.log(classes))
    rows = rows / np.sqrt(np.square(rows).sum(1).mean())
    _, labels = np.unique(labels, return_inverse=True)
    means, _ = class_means(rows, labels)
    shrinkage = float(np.exp(-5 * np.linalg.eigvalsh(_within(rows, labels)).max()))
    mistaken = 1 - np.exp(_log_probabilities(rows, labels, shrinkage)[np.arange(len(labels)), labels])
    others = (means.sum(0) - means[labels]) / max(len(means) - 1, 1)
    moved = rows + mistaken[:, None] * (others - rows)
    return float(_log_probabilities(moved, labels, shrinkage)[np.arange(len(labels)), labels].mean())


def _log_probabilities(rows: Array, labels: Labels, shrinkage: float) -> Array:
    """Return the log probabilities of classes by a linear discriminant whose S_w is shrunk to its mean."""
    means, counts = class_means(rows, labels)
    scatter = _within(rows, labels)
    size = len(scatter)
    shrunk = (1 - shrinkage) * scatter + shrinkage * max(np.trace(scatter) / size, 1e-12) * np.eye(size)
    weights = np.linalg.solve(shrunk, means.T)
    scores = rows @ weights - (means * weights.T).sum(1) / 2 + np.log(counts / len(rows))
    return np.asarray(log_softmax(scores, axis=1))


def _within(rows: Array, labels: Labels) -> Array:
    """Return S_w / N."""
    apart = rows - class_means(rows, labels)[0][labels]
    return np.asarray(apart.T @ apart / len(rows))
