"""The correlation of a Gram matrix with the labels' against centring matrices and a correlation coefficient."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from taskzoo.distance.lfc import lfc
from taskzoo.distance.transferability.arrays import double_centred, one_hot
from taskzoo.distance.transferability.label_correlation import label_correlation
from tests.distance.examples import observation
from tests.distance.transferability.examples import planted

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("size", [1, 6, 40])
def test_correlation_between_centred_matrices(size: int) -> None:
    features, labels = planted(size, 0.3, size=size)
    centring = np.eye(len(labels)) - 1 / len(labels)
    same = 2 * (labels[:, None] == labels) - 1.0
    left, right = (centring @ gram @ centring for gram in (features @ features.T, same))
    upper = np.triu_indices(len(labels), 1)
    wanted = np.corrcoef(left[upper], right[upper])[0, 1]
    assert label_correlation(features @ features.T, one_hot(labels, 3)) == pytest.approx(wanted, rel=1e-9)


def test_a_centred_gram_matrix_is_that_of_centred_rows() -> None:
    features, _ = planted(0, 1)
    rows = features - features.mean(0)
    assert double_centred(features @ features.T) == pytest.approx(rows @ rows.T)


def test_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    same = (labels[:, None] == labels).astype(float)
    assert label_correlation(same, one_hot(labels, 2)) == pytest.approx(1)
    assert label_correlation(-3 * same + 7, one_hot(labels, 2)) == pytest.approx(-1)
    # The images of each class pair up with those of the other: of 6 pairs, 2 share labels and 2 others are alike.
    crossed = np.array([0, 1, 0, 1])
    assert label_correlation((crossed[:, None] == crossed).astype(float), one_hot(labels, 2)) == pytest.approx(-0.5)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0, 0]])
def test_labels_that_make_no_difference_between_pairs(labels: list[int]) -> None:
    features, _ = planted(0, 1, count=7)
    assert label_correlation(features @ features.T, one_hot(np.array(labels), 7)) == 0


def test_two_images_have_one_pair() -> None:
    assert label_correlation(np.array([[2.0, 1], [1, 2]]), np.eye(2)) == 0


def test_numbers_are_as_alike_as_their_products() -> None:
    features, _ = planted(0, 1)
    numbers = features @ np.diag([2.0, 1, 1, 1, 1, 0.5])
    wanted = label_correlation(numbers @ numbers.T, features)
    assert label_correlation(features @ features.T, numbers) == pytest.approx(wanted)
    assert 0.7 < wanted < 0.9
    seen = observation(features=features, labels=[0] * len(features))
    assert lfc(replace(seen, labels=torch.from_numpy(numbers), classes=0), seen) == pytest.approx(wanted, rel=1e-5)


def test_the_measure_is_that_of_features_and_one_hot_labels() -> None:
    features, labels = planted(1, 1)
    seen = observation(features=features, labels=labels.tolist())
    wanted = label_correlation(features @ features.T, one_hot(labels, 3))
    assert lfc(seen, seen) == pytest.approx(wanted, rel=1e-5)
