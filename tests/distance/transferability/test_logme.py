"""LogME's evidence against the density it is defined by."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.transferability.logme import logme
from tests.distance.transferability.examples import planted

pytestmark = pytest.mark.filterwarnings("error")


def contrasts(count: int) -> Array:
    """Return an orthonormal basis of what sums to zero, [N, N - 1]."""
    return np.linalg.qr(np.column_stack([np.ones(count), np.eye(count)[:, 1:]]))[0][:, 1:]


def density(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean over classes of max log N(0, I / beta + F F' / alpha), of contrasts, per image."""
    basis = contrasts(len(labels))
    projected = basis.T @ features
    size = np.square(projected).sum() / len(projected)
    evidences = []
    for label in range(classes):
        target = basis.T @ (labels == label).astype(float)

        def loss(logs: Array, target: Array = target) -> float:
            noise, signal = np.exp(logs)
            covariance = noise * np.eye(len(target)) + signal / size * projected @ projected.T
            return -float(multivariate_normal(np.zeros(len(target)), covariance).logpdf(target))

        # The maximum may be one of several, and where it lies nobody knows: from everywhere.
        starts = [np.array([noise, signal], dtype=np.float64) for noise in range(-12, 1) for signal in range(-9, 6)]
        start = min(starts, key=loss)
        best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
        evidences.append(-best.fun / len(labels))
    return float(np.mean(evidences))


@pytest.mark.parametrize(("size", "gap"), [(3, 0.3), (12, 0.5), (14, 0.3), (15, 0.3), (40, 0.2)])
def test_evidence_is_the_largest_density(size: int, gap: float) -> None:
    features, labels = planted(size, gap, count=16, size=size)
    assert logme(features, labels, 3) == pytest.approx(density(features, labels, 3), abs=1e-5)


def test_by_hand_where_features_say_nothing() -> None:
    # Targets of +-1/2 have a variance of 1/3 along three contrasts.
    labels, wanted = np.array([0, 0, 1, 1]), 3 * np.log(3 / (2 * np.pi * np.e)) / 8
    assert logme(np.full((4, 5), 0.1), labels, 2) == pytest.approx(wanted, rel=1e-9)
    unrelated = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    assert logme(unrelated, labels, 2) == pytest.approx(wanted, abs=1e-6)


def test_evidence_has_a_bound_where_features_are_more_than_images() -> None:
    # Any labels can be fitted there. Only those that follow the features are more likely than without features.
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(30, 200)), np.arange(30) % 3
    nothing = logme(np.zeros((30, 1)), labels, 3)
    assert logme(features, labels, 3) == pytest.approx(nothing, abs=0.1)
    assert logme(features + 2 * rng.normal(size=(3, 200))[labels], labels, 3) > nothing + 1


def test_a_class_that_is_absent_does_not_count() -> None:
    features, labels = planted(0, 0.5)
    assert logme(features, labels, 5) == logme(features, labels, 3)
