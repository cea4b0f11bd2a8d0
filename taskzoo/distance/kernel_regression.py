"""How well a kernel between images predicts their labels: each image left out, or by the evidence."""

import numpy as np
from scipy.linalg import helmert

from taskzoo.distance.transferability.arrays import Array, Labels, centred, double_centred, one_hot

NOISE = np.logspace(-6, 3, 28)  # Of the labels, as a share of the kernel's mean diagonal.


def unit(gram: Array) -> Array:
    """Return a Gram matrix of centred rows whose mean squared norm is 1; zeros where nothing varies."""
    inner = double_centred(gram)
    scale = np.trace(inner) / len(inner)
    return inner / scale if scale > 0 else np.zeros_like(inner)


def loo_r2(kernel: Array, labels: Labels, classes: int) -> Array:
    """Compute the leave-one-out R^2 of kernel ridge regression at every penalty, from one eigendecomposition.

    With H = 1/n + K (K + l I)^-1, the residual of image i under the model fitted without it is
    (y_i - (H y)_i) / (1 - H_ii). The baseline, the mean of the labels, leaves the image out too, so that a kernel
    which says nothing scores about 0.

    Args:
        kernel: K of centred rows, [n, n].
        labels: [n].
        classes: Number of classes.

    Returns:
        One value a penalty of NOISE, 1 at most; a single 0 where nothing varies.
    """
    count = len(labels)
    targets = centred(one_hot(labels, classes))
    values, vectors = np.linalg.eigh(kernel)
    values = np.where(values > count * np.finfo(np.float64).eps * values.max(), values, 0)
    scale = values.sum() / count
    if scale == 0:
        return np.zeros(1)
    baseline = np.square(targets * count / (count - 1)).sum()
    projected, squares = vectors.T @ targets, np.square(vectors)
    scores = []
    for penalty in NOISE * scale:
        shrink = values / (values + penalty)
        leverage = 1 / count + squares @ shrink
        residuals = (targets - vectors @ (shrink[:, None] * projected)) / (1 - leverage)[:, None]
        scores.append(1 - np.square(residuals).sum() / baseline)
    return np.array(scores)


def log_evidence(kernel: Array, labels: Labels, classes: int) -> float:
    """Return the log evidence of a Gaussian process over centred one-hot labels, per image.

    Its scale is the one of greatest evidence in closed form, its noise the best of NOISE; all classes share them.
    (Rasmussen and Williams, Gaussian Processes for Machine Learning, equation 5.8, without the constant.)

    Args:
        kernel: Of centred rows, [n, n].
        labels: [n].
        classes: Number of classes.

    Returns:
        Any number; higher is better.
    """
    contrasts = helmert(len(labels))  # A basis of what centring left: all but the constant.
    values, vectors = np.linalg.eigh(contrasts @ kernel @ contrasts.T)
    values = np.maximum(values, 0)
    if not values.any():
        values = np.ones_like(values)
    energy = np.square(vectors.T @ contrasts @ one_hot(labels, classes)).mean(1)
    spread = values + NOISE[:, None] * values.mean()
    scale = np.maximum((energy / spread).mean(1), np.finfo(np.float64).tiny)
    return float((-(np.log(scale) + np.log(spread).mean(1)) / 2).max())
