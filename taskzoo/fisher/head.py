"""A linear head fitted to given features: the same rule for every source and target."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Tensor, nn

PENALTY = 1.0  # Of the squared weights on standardised features, beside the sum of losses over images.
DEAD = 1e-3  # Features that vary less than this share of the liveliest are not blown up to unit variance.

Array = npt.NDArray[np.float64]


def fit_head(features: Tensor, labels: Tensor, classes: int) -> nn.Linear:
    """Fit multinomial logistic regression with an L2 penalty on standardised features.

    Deterministic: L-BFGS in float64 from zero. The standardisation is folded into the layer.

    Args:
        features: [N, D].
        labels: int64 [N], or soft labels [N, K].
        classes: Number of outputs K.

    Returns:
        A float32 layer on the CPU that maps raw features to logits.
    """
    x = features.double().cpu().numpy()
    mean, scale = _standard(x)
    weight, bias = _fit((x - mean) / scale, labels.cpu().numpy(), classes)
    return _layer(weight / scale, bias, mean)


def fit_numbers(features: Tensor, numbers: Tensor) -> nn.Linear:
    """Fit ridge regression with the same penalty on standardised features.

    Args:
        features: [N, D].
        numbers: What to predict, [N, C].

    Returns:
        A float32 layer on the CPU that maps raw features to predictions.
    """
    x, y = features.double().cpu().numpy(), numbers.double().cpu().numpy()
    mean, scale = _standard(x)
    rows = (x - mean) / scale
    inner = rows.T @ rows + PENALTY * np.eye(rows.shape[1])
    weight = np.linalg.solve(inner, rows.T @ (y - y.mean(0))).T / scale
    return _layer(weight, y.mean(0), mean)


def _standard(x: Array) -> tuple[Array, Array]:
    """Return the mean and the unit of each feature."""
    mean, spread = x.mean(0), x.std(0)
    scale = np.maximum(spread, DEAD * spread.max())
    scale[scale == 0] = 1
    return mean, scale


def _layer(weight: Array, bias: Array, mean: Array) -> nn.Linear:
    """Return a layer of raw features with weights [K, D] and the outputs [K] at their mean."""
    layer = nn.Linear(weight.shape[1], len(bias))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias - weight @ mean))
    return layer


def _fit(x: Array, labels: npt.NDArray[Any], classes: int) -> tuple[Array, Array]:
    """Return weights [K, D] and biases [K] that minimise the mean loss; biases are not penalised."""
    count, size = x.shape
    penalty = PENALTY / count
    wanted = np.eye(classes)[labels] if labels.ndim == 1 else labels.astype(np.float64)

    def objective(flat: Array) -> tuple[float, Array]:
        weight, bias = _unpack(flat, classes, size)
        log_probability = log_softmax(x @ weight.T + bias, axis=1)
        error = (np.exp(log_probability) - wanted) / count
        value = -(wanted * log_probability).sum() / count + penalty / 2 * (weight**2).sum()
        return value, np.concatenate([(error.T @ x + penalty * weight).ravel(), error.sum(0)])

    found: Any = minimize(
        objective, np.zeros(classes * (size + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 500}
    )
    return _unpack(found.x, classes, size)


def _unpack(flat: Array, classes: int, size: int) -> tuple[Array, Array]:
    return flat[: classes * size].reshape(classes, size), flat[classes * size :]
