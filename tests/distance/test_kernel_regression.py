"""The evidence of a kernel against the Gaussian density itself, and the Fisher kernel made of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import helmert
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from taskzoo.distance.fisher_kernel import fisher_kernel
from taskzoo.distance.kernel_regression import NOISE, log_evidence, unit
from taskzoo.distance.transferability.arrays import Array, Labels, centred, one_hot
from tests.distance.examples import observation


def density(kernel: Array, labels: Labels, classes: int) -> float:
    """Maximise the density of the labels' contrasts over scale and noise, class by class in one product."""
    contrasts = helmert(len(labels))
    rows = contrasts @ one_hot(labels, classes)
    inner = contrasts @ kernel @ contrasts.T
    mean = np.trace(inner) / len(inner)

    def loss(log_scale: float, noise: float) -> float:
        spread = np.exp(log_scale) * (inner + noise * mean * np.eye(len(inner)))
        return -float(multivariate_normal(np.zeros(len(inner)), spread).logpdf(rows.T).sum())

    found = [minimize_scalar(loss, (-12, 12), args=(noise,)).fun for noise in NOISE[3:]]
    return -float(min(found)) / classes


def test_evidence_differs_from_the_gaussian_density_by_a_constant() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 3
    apart = []
    for size in (1, 3, 40):
        features = centred(rng.normal(size=(12, size)) + labels[:, None])
        kernel = features @ features.T + 0.1 * np.eye(12)
        wanted = density(unit(kernel), labels, 3)
        apart.append(11 * log_evidence(unit(kernel), one_hot(labels, 3)) - wanted)
    assert apart == pytest.approx([11 / 2 * (np.log(2 * np.pi) + 1)] * 3, abs=1e-4)


def test_a_kernel_of_the_labels_is_the_best_and_one_that_says_nothing_the_same_as_noise() -> None:
    labels = np.arange(12) % 3
    rows = centred(one_hot(labels, 3))
    best = log_evidence(rows @ rows.T, one_hot(labels, 3))
    nothing = log_evidence(np.zeros((12, 12)), one_hot(labels, 3))
    assert best > nothing + 1
    assert nothing == pytest.approx(log_evidence(unit(np.eye(12)), one_hot(labels, 3)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), size=st.integers(1, 20))
def test_scale_and_order_do_not_matter(seed: int, scale: float, size: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(12) % 3)
    features = rng.normal(size=(12, size))
    kernel, order = unit(features @ features.T), rng.permutation(12)
    found = log_evidence(scale * kernel[order][:, order], one_hot(labels[order], 3))
    assert found == pytest.approx(log_evidence(kernel, one_hot(labels, 3)), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("known", ["features", "gram"])
def test_the_fisher_kernel_sees_features_and_gradients(known: str) -> None:
    labels = [0, 1, 0, 1, 0, 1, 0, 1]
    noise = np.random.default_rng(0).normal(size=(8, 3))
    signal = np.array(labels, dtype=np.float64)[:, None]
    plain = observation(features=noise, gram=noise @ noise.T, labels=labels)
    told = {"features": noise, "gram": noise @ noise.T}
    told[known] = signal if known == "features" else signal @ signal.T
    better = observation(labels=labels, features=told["features"], gram=told["gram"])
    assert fisher_kernel(better, plain) > fisher_kernel(plain, plain) + 0.1


def test_only_images_with_gradients_count() -> None:
    labels, rng = [0, 1] * 6, np.random.default_rng(1)
    features, gram = rng.normal(size=(12, 3)), np.eye(8)
    whole = observation(features=features, gram=gram, labels=labels)
    part = observation(features=features[:8], gram=gram, labels=labels[:8])
    assert fisher_kernel(whole, whole) == fisher_kernel(part, part)
