"""LogME: the evidence of a Bayesian linear regression from features to labels."""

import numpy as np
from scipy.optimize import minimize_scalar

from taskzoo.distance.transferability.arrays import Array, Labels, centred, one_hot, spectrum

RATIOS = np.log(np.geomspace(1e-10, 1e6, 129))  # Of alpha to beta, tried first, at unit mean eigenvalue.


def logme(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean over classes of the largest evidence of their one-hot labels, per image.

    Unlike the authors' code: with the rank term (D - k) log alpha, without which the value is wrong wherever images are
    fewer than features; and with an intercept that is integrated out, so that N - 1 images count. With targets centred
    and N counted, the evidence would have no bound from N - 1 features on.

    Source: You et al. 2021 (arXiv 2102.11005), equations 2 to 4.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C.

    Returns:
        Any number.
    """
    left, values, _ = spectrum(features)
    targets = centred(one_hot(labels, classes))
    columns = [column for column in targets.T if column.any()]
    return float(np.mean([evidence(left, values**2, column) for column in columns]))


def evidence(left: Array, eigenvalues: Array, target: Array) -> float:
    """Return the largest log evidence of one target, per image.

    Searched is the ratio of the weights' precision alpha to the noise's, beta: given it, the best beta is known. No
    fixed point of both, which may be a smaller maximum, or lie at infinity.

    Args:
        left: Orthonormal basis of the centred features' span, [N, k].
        eigenvalues: Of F F' along it, [k].
        target: [N], of mean zero.

    Returns:
        log p(target) / N.
    """
    count = len(target) - 1
    squares = np.square(left.T @ target)
    rest = max(float(target @ target - squares.sum()), 0.0)
    scaled = eigenvalues * len(eigenvalues) / max(float(eigenvalues.sum()), np.finfo(np.float64).tiny)

    def at(logs: Array) -> Array:
        signal = scaled / np.exp(logs)[..., None]
        residual = (squares / (1 + signal)).sum(-1) + rest
        fit = count * np.log(count / (2 * np.pi * np.e * residual))
        return np.asarray(fit - np.log1p(signal).sum(-1)) / 2 / len(target)

    values = at(RATIOS)
    best = int(values.argmax())
    around = RATIOS[max(best - 1, 0)], RATIOS[min(best + 1, len(RATIOS) - 1)]
    finer = minimize_scalar(lambda each: -float(at(np.asarray(each))), bounds=around, method="bounded")
    return max(float(values[best]), -float(finer.fun))
