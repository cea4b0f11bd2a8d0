"""Scores made of class means and covariances against their formulas, written out."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.transferability.gbc import FLOOR, SIZE, gbc
from taskzoo.distance.transferability.hscore import hscore
from taskzoo.distance.transferability.sfda import sfda
from taskzoo.distance.transferability.transrate import DISTORTION, transrate
from tests.distance.transferability.examples import planted

SIZES = [1, 6, 23, 40, 90]


@pytest.mark.parametrize("size", SIZES)
def test_hscore_is_the_trace_with_the_shrunk_covariance(size: int) -> None:
    features, labels = planted(size, 0.5, size=size)
    fitted = LedoitWolf().fit(features)
    means = np.array([features[labels == label].mean(0) for label in labels])
    between = np.atleast_2d(np.cov(means, rowvar=False, bias=True))
    wanted = (1 - fitted.shrinkage_) * np.trace(np.linalg.pinv(fitted.covariance_) @ between)
    assert hscore(features, labels, 3) == pytest.approx(wanted, rel=1e-9)


def test_hscore_of_the_labels_themselves_is_the_number_of_classes_less_one() -> None:
    assert hscore(np.array([[1.0], [1.0], [-1.0]]), np.array([0, 0, 1]), 2) == pytest.approx(1)
    labels = np.arange(3000) % 3
    assert hscore(np.eye(3)[labels], labels, 3) == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_transrate_by_the_determinant_of_the_other_side(size: int) -> None:
    features, labels = planted(size, 0.5, size=size)
    rows = features - features.mean(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def rate(part: Array) -> float:
        other = part.T @ part if size > len(part) else part @ part.T
        return float(np.log(np.linalg.eigvalsh(np.eye(len(other)) + other / len(part) / DISTORTION)).sum() / 2)

    parts = [rows[labels == label] for label in range(3)]
    wanted = rate(rows) - sum(len(part) / len(rows) * rate(part) for part in parts)
    assert transrate(features, labels, 3) == pytest.approx(wanted, rel=1e-7, abs=1e-9)


def test_transrate_by_hand_of_two_crossed_lines() -> None:
    features = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    wanted = np.log(1 + 0.5 / DISTORTION) - np.log(1 + 1 / DISTORTION) / 2
    assert transrate(features, np.array([0, 0, 1, 1]), 2) == pytest.approx(wanted)
    crossed = transrate(features, np.array([0, 1, 0, 1]), 2)
    assert crossed == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_gbc_is_the_sum_over_pairs_of_the_full_formula(size: int) -> None:
    features, labels = planted(size, 0.2, count=80, size=size)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(features, rowvar=False)))
    rows = (features - features.mean(0)) @ vectors[:, ::-1][:, :SIZE]
    floor = FLOOR * rows.var(0).mean() * np.eye(rows.shape[1])
    coefficients = []
    for one in range(3):
        for other in range(one):
            left, right = rows[labels == one], rows[labels == other]
            first, second = (np.diag(part.var(0)) + floor for part in (left, right))
            both, apart = (first + second) / 2, left.mean(0) - right.mean(0)
            logs = [np.linalg.slogdet(each)[1] for each in (both, first, second)]
            distance = apart @ np.linalg.inv(both) @ apart / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
            coefficients.append(np.exp(-distance))
    assert len(values) == size
    assert gbc(features, labels, 3) == pytest.approx(-np.mean(coefficients), rel=1e-6)


def test_gbc_by_hand() -> None:
    # Two classes of variance 1 whose means are 4 apart; the variance of all is 5.
    features, labels = np.array([[0.0], [2], [4], [6]]), np.array([0, 0, 1, 1])
    assert gbc(features, labels, 2) == pytest.approx(-np.exp(-16 / (8 * (1 + 5 * FLOOR))))
    assert gbc(features, np.array([0, 1, 1, 0]), 2) > -1
    assert gbc(features, np.zeros(4, dtype=np.int64), 1) == -1


def discriminant(rows: Array, labels: Labels, shrinkage: float) -> Array:
    """Return the log probabilities of the labels by scikit-learn's discriminant."""
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(rows, labels)
    return np.asarray(fitted.predict_log_proba(rows)[np.arange(len(labels)), labels])


@pytest.mark.parametrize("size", [2, 6, 15, 40])
def test_sfda_is_two_discriminants_of_scikit_learn(size: int) -> None:
    features, labels = planted(size, 0.1, size=size)
    rows = features - features.mean(0)
    rows /= np.sqrt(np.trace(rows @ rows.T) / len(rows))
    # Axes that nothing varies along would take part in the mean that the scatter is shrunk to.
    rows = rows @ np.linalg.svd(rows)[2][: min(size, len(rows) - 1)].T
    means = np.array([rows[labels == label].mean(0) for label in range(3)])
    scatter = sum(np.outer(row - means[label], row - means[label]) for row, label in zip(rows, labels, strict=True))
    shrinkage = np.exp(-5 * np.linalg.norm(scatter / len(rows), 2))
    right = np.exp(discriminant(rows, labels, shrinkage))
    others = np.array([np.mean([means[other] for other in range(3) if other != label], 0) for label in labels])
    moved = right[:, None] * rows + (1 - right)[:, None] * others
    wanted = discriminant(moved, labels, shrinkage).mean()
    assert sfda(features, labels, 3) == pytest.approx(wanted, rel=1e-6)
