"""The usual LogME against its fixed point on whole matrices and the density of the labels: it lacks one term."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from benchmarks.transfer.logme_usual import SMALL, STEPS, logme_usual
from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.transferability.logme import logme
from tests.distance.transferability.examples import planted

pytestmark = pytest.mark.filterwarnings("error")


def whole(features: Array, labels: Labels, classes: int) -> tuple[float, float]:
    """Return the log density of the labels at the fixed point, per image, and (D - k) / (2 N) log alpha."""
    count, size = features.shape
    gram = features.T @ features
    density, excess = [], []
    for label in range(classes):
        target = (labels == label).astype(float)
        alpha, beta = 1.0, 1.0
        for _ in range(STEPS):
            before = alpha / beta
            eigenvalues = np.linalg.eigvalsh(gram)
            free = (beta * eigenvalues / (alpha + beta * eigenvalues)).sum()
            weights = np.linalg.solve(gram + before * np.eye(size), features.T @ target)
            alpha = free / (weights @ weights + SMALL)
            beta = (count - free) / (np.square(features @ weights - target).sum() + SMALL)
            if abs(alpha / beta - before) <= 1e-3 * before:
                break
        covariance = np.eye(count) / beta + features @ features.T / alpha
        density.append(multivariate_normal(np.zeros(count), covariance).logpdf(target) / count)
        excess.append((size - min(count, size)) / 2 / count * np.log(alpha))
    return float(np.mean(density)), float(np.mean(excess))


@pytest.mark.parametrize("size", [3, 20, 60])
def test_it_is_the_evidence_but_for_the_rank_term(size: int) -> None:
    features, labels = planted(size, 0.3, size=size)
    density, excess = whole(features, labels, 3)
    assert logme_usual(features, labels, 3) == pytest.approx(density + excess, abs=2e-3)
    assert (excess == 0) == (size <= len(labels))


def test_the_scale_of_the_features_decides_where_they_are_more_than_images() -> None:
    features, labels = planted(0, 0.3, size=60)
    usual, ours = ([score(scale * features, labels, 3) for scale in (0.1, 1, 10)] for score in (logme_usual, logme))
    assert ours == pytest.approx([ours[1]] * 3)
    assert np.ptp(usual) > 1


def test_a_class_that_is_absent_does_not_count() -> None:
    features, labels = planted(0, 0.5)
    assert logme_usual(features, labels, 5) == logme_usual(features, labels, 3)
