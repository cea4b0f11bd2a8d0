"""Features and labels of made-up targets, and the scores that take them."""

from collections.abc import Callable

import numpy as np

from taskzoo.distance.transferability.arrays import Array, Labels, one_hot
from taskzoo.distance.transferability.gbc import gbc
from taskzoo.distance.transferability.hscore import hscore
from taskzoo.distance.transferability.label_correlation import label_correlation
from taskzoo.distance.transferability.logme import logme
from taskzoo.distance.transferability.neighbours import centroid_loo, knn_loo
from taskzoo.distance.transferability.nleep import nleep
from taskzoo.distance.transferability.sfda import sfda
from taskzoo.distance.transferability.transrate import transrate


def lfc(features: Array, labels: Labels, classes: int) -> float:
    """Return the label correlation of features."""
    return label_correlation(features @ features.T, one_hot(labels, classes))


SCORES: dict[str, Callable[[Array, Labels, int], float]] = {
    "centroid_loo": centroid_loo,
    "gbc": gbc,
    "hscore": hscore,
    "knn_loo": knn_loo,
    "lfc": lfc,
    "logme": logme,
    "nleep": nleep,
    "sfda": sfda,
    "transrate": transrate,
}


def planted(seed: int, gap: float, count: int = 24, size: int = 6, classes: int = 3) -> tuple[Array, Labels]:
    """Return features of unlike noise whose class means lie about ``gap`` apart, and labels, two or more of each."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.repeat(np.arange(classes), 2), rng.integers(0, classes, count - 2 * classes)])
    labels = rng.permutation(labels).astype(np.int64)
    noise = rng.normal(2, 1, (count, size)) * np.geomspace(1, 0.2, size)
    return noise + gap * rng.normal(size=(classes, size))[labels], labels


def source_outputs(seed: int, count: int = 15, outputs: int = 4, classes: int = 3) -> tuple[Array, Labels]:
    """Return log probabilities of a source's classes, and a target's labels."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(count, outputs))
    labels = rng.integers(0, classes, count)
    labels[:classes] = np.arange(classes)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True)), labels
