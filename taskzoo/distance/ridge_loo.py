"""How well a ridge regression on the source's features predicts labels it has not seen."""

import math

import numpy as np
import numpy.typing as npt

from taskzoo.distance.protocol import Measure
from taskzoo.fisher.observation import Observation

PENALTIES = np.logspace(-6, 3, 28)  # Times the mean squared norm of the centred features.

Array = npt.NDArray[np.float64]


def ridge_loo(ab: Observation, bb: Observation) -> float:
    """Return the leave-one-out R^2 of ridge regression from the source's features to one-hot labels.

    The value of the best penalty on a grid. The baseline, the mean of the labels, leaves the image out too,
    so that features which say nothing score about 0. ``bb`` is not used: the measure asks nothing of the
    target's own network.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The share of variance explained, 1 at most; higher is closer.
    """
    return float(loo_r2(ab.features.double().numpy(), ab.labels.numpy(), ab.classes).max())


def loo_r2(features: Array, labels: npt.NDArray[np.int64], classes: int) -> Array:
    """Compute the leave-one-out R^2 at every penalty in closed form, from one eigendecomposition.

    With K the Gram matrix of centred features and H = 1/n + K (K + l I)^-1, the residual of image i under the
    model fitted without it is (y_i - (H y)_i) / (1 - H_ii).

    Args:
        features: [n, D].
        labels: [n].
        classes: Number of classes.

    Returns:
        One value a penalty.
    """
    count = len(labels)
    targets = np.eye(classes)[labels]
    targets = targets - targets.mean(0)
    centred = features - features.mean(0)
    scale = np.square(centred).sum() / count
    if scale == 0:
        return np.zeros(1)
    values, vectors = _spectrum(centred)
    baseline = np.square(targets * count / (count - 1)).sum()
    scores = []
    for penalty in PENALTIES * scale:
        shrink = values / (values + penalty)
        fitted = vectors @ (shrink[:, None] * (vectors.T @ targets))
        leverage = 1 / count + np.square(vectors) @ shrink
        residuals = (targets - fitted) / (1 - leverage)[:, None]
        scores.append(1 - np.square(residuals).sum() / baseline)
    return np.array(scores)


def _spectrum(centred: Array) -> tuple[Array, Array]:
    """Return the Gram matrix's positive eigenvalues and their eigenvectors, by its smaller form."""
    count, size = centred.shape
    wide = size >= count
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    keep = values > max(count, size) * np.finfo(np.float64).eps * values.max()
    values, vectors = values[keep], vectors[:, keep]
    return values, vectors if wide else centred @ vectors / np.sqrt(values)


RIDGE_LOO = Measure(
    name="ridge_loo",
    function=ridge_loo,
    symmetric=False,
    lower_is_closer=False,
    needs=frozenset({"features", "labels"}),
    range=(-math.inf, 1.0),
    source="leave-one-out of a linear smoother (Allen's PRESS) on centred one-hot labels",
)
