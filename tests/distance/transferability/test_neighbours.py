"""Nearest mean and nearest neighbours against leaving out every image in turn."""

import numpy as np
import pytest
from scipy.special import expit

from taskzoo.distance.transferability.neighbours import NEIGHBOURS, centroid_loo, knn_loo
from tests.distance.transferability.examples import planted

pytestmark = pytest.mark.filterwarnings("error")
FEATURES, LABELS = np.array([[0.0], [2], [4], [6]]), np.array([0, 0, 1, 1])


@pytest.mark.parametrize("size", [1, 6, 40])
def test_centroids_are_means_without_the_image(size: int) -> None:
    features, labels = planted(size, 0.3, size=size)
    scale = np.trace(np.atleast_2d(np.cov(features, rowvar=False, bias=True))) / np.sqrt(size)
    scores = []
    for image, label in enumerate(labels):
        rest = np.arange(len(labels)) != image
        means = [features[rest & (labels == each)].mean(0) for each in range(3)]
        exponents = np.array([-np.square(features[image] - mean).sum() / scale for mean in means])
        scores.append(exponents[label] - np.log(np.exp(exponents).sum()))
    assert centroid_loo(features, labels, 3) == pytest.approx(np.mean(scores), rel=1e-9)


def test_centroids_by_hand() -> None:
    # Variance 5. The first image is 4 from its class without it and 25 from the other, the second 4 and 9.
    wanted = np.log([expit((25 - 4) / 5), expit((9 - 4) / 5)]).mean()
    assert centroid_loo(FEATURES, LABELS, 2) == pytest.approx(wanted)
    assert centroid_loo(FEATURES, 2 * LABELS, 4) == pytest.approx(wanted)  # Classes that are absent.


@pytest.mark.parametrize("size", [2, 6, 40])
def test_neighbours_are_the_most_alike_of_the_others(size: int) -> None:
    features, labels = planted(size, 0.3, size=size)
    rows = features - features.mean(0)
    found = []
    for image, row in enumerate(rows):
        angles = [
            (np.arccos(row @ other / np.linalg.norm(row) / np.linalg.norm(other)), labels[index])
            for index, other in enumerate(rows)
            if index != image
        ]
        found.append(np.mean([label == labels[image] for _, label in sorted(angles)[:NEIGHBOURS]]))
    assert knn_loo(features, labels, 3) == pytest.approx(np.mean(found), rel=1e-12)


def test_fewer_images_than_neighbours() -> None:
    assert knn_loo(FEATURES, LABELS, 2) == pytest.approx(1 / 3)


def test_images_that_are_equally_near_share_the_last_places() -> None:
    # Centred, they are two bundles in opposite directions: of the 5 nearest, all come from the own bundle of 7.
    features = np.repeat([[1.0], [-1.0]], 7, axis=0)
    for order in (np.arange(14), np.arange(14)[::-1]):
        labels = np.array([0, 0, 0, 0, 1, 1, 1, *[1] * 7])
        wanted = (4 * 3 / 6 + 3 * 2 / 6 + 7) / 14
        assert knn_loo(features[order], labels[order], 2) == pytest.approx(wanted)


def test_images_that_are_all_alike_score_what_a_blind_guess_does() -> None:
    labels = np.array([0] * 6 + [1] * 2)
    for order in (np.arange(8), np.arange(8)[::-1]):
        assert knn_loo(np.full((8, 3), 0.1), labels[order], 2) == pytest.approx((6 * 5 / 7 + 2 * 1 / 7) / 8)
