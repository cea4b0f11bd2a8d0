"""How well a kernel between samples predicts what they answer: each sample left out, or by the evidence."""

import numpy as np
from scipy.linalg import helmert

from taskzoo.distance.transferability.arrays import Array, centred, double_centred

NOISE = np.logspace(-6, 3, 28)  # Of the labels, as a share of the kernel's mean diagonal.


def unit(gram: Array) -> Array:
    """Return a Gram matrix of centred rows whose mean squared norm is 1; zeros where nothing varies."""
    inner = double_centred(gram)
    scale = np.trace(inner) / len(inner)
    return inner / scale if scale > 0 else np.zeros_like(inner)


def loo_r2(kernel: Array, responses: Array) -> Array:
    """Compute the leave-one-out R^2 of kernel ridge regression at every penalty, from one eigendecomposition.

    With H = 1/n + K (K + l I)^-1, the residual of sample i under the model fitted without it is
    (y_i - (H y)_i) / (1 - H_ii). The baseline, the mean response, leaves the sample out too, so that a kernel
    which says nothing scores about 0.

    Args:
        kernel: K of centred rows, [n, n].
        responses: One-hot classes or numbers, [n, C].

    Returns:
        One value a penalty of NOISE, 1 at most; a single 0 where nothing varies.
    """
    count = len(responses)
    targets = centred(responses)
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


def log_evidence(kernel: Array, responses: Array) -> float:
    """Return the log evidence of a Gaussian process over centred responses, per sample.

    Its scale is the one of greatest evidence in closed form, its noise the best of NOISE; all responses share them.
    (Rasmussen and Williams, Gaussian Processes for Machine Learning, equation 5.8, without the constant.)

    Args:
        kernel: Of centred rows, [n, n].
        responses: One-hot classes or numbers, [n, C].

    Returns:
        Any number; higher is better.
    """
    contrasts = helmert(len(responses))  # A basis of what centring left: all but the constant.
    values, vectors = np.linalg.eigh(contrasts @ kernel @ contrasts.T)
    values = np.maximum(values, 0)
    if not values.any():
        values = np.ones_like(values)
    energy = np.square(vectors.T @ contrasts @ responses).mean(1)
    spread = values + NOISE[:, None] * values.mean()
    scale = np.maximum((energy / spread).mean(1), np.finfo(np.float64).tiny)
    return float((-(np.log(scale) + np.log(spread).mean(1)) / 2).max())
