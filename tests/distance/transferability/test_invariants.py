"""What holds of every score of features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.distance.transferability.gbc import gbc
from tests.distance.transferability.examples import SCORES, planted

pytestmark = pytest.mark.filterwarnings("error")
# The least and the most of a score, with 3 classes; where it has no end, what separable classes surely reach.
RANGES = {
    "centroid_loo": (-np.inf, 0),
    "gbc": (-1, 0),
    "hscore": (0, 2),
    "knn_loo": (0, 1),
    "lfc": (-1, 1),
    "logme": (-np.inf, np.inf),
    "nleep": (-np.inf, 0),
    "sfda": (-np.inf, 0),
    "transrate": (0, np.inf),
}
SEPARABLE = {
    "centroid_loo": -0.05,
    "gbc": -1e-3,
    "hscore": 1.8,
    "knn_loo": 1,
    "lfc": 0.9,
    "logme": 2,
    "nleep": -0.01,
    "sfda": -1e-3,
    "transrate": 2,
}
# Features that do not vary, of 4, 4 and 2 images in classes.
NOTHING = {
    "centroid_loo": -np.log(3),
    "gbc": -1,
    "hscore": 0,
    "knn_loo": (2 * 4 * 3 + 2 * 1) / 90,
    "lfc": 0,
    "logme": 9 / 20 * np.mean(np.log(9 / (2 * np.pi * np.e * np.array([2.4, 2.4, 1.6])))),
    "nleep": (8 * np.log((3 + 1e-3 / 3) / 9.001) + 2 * np.log((1 + 1e-3 / 3) / 9.001)) / 10,
    "sfda": -np.log(3),
    "transrate": 0,
}
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])


@pytest.mark.parametrize("name", SCORES)
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 40),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-9, 9),
    gap=st.floats(0, 3),
)
def test_scale_offset_rotation_and_names_do_not_matter(
    name: str, seed: int, size: int, scale: float, shift: float, gap: float
) -> None:
    features, labels = planted(seed, gap, size=size)
    found = SCORES[name](features, labels, 3)
    least, most = RANGES[name]
    assert least - 1e-9 <= found <= most + 1e-9
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(size, size)))[0]
    names = rng.permutation(3)
    again = SCORES[name](scale * (features @ rotation + shift), names[labels], 3)
    assert again == pytest.approx(found, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(SCORES) - {"nleep"}))  # Whose mixtures start from images drawn by position.
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 40), gap=st.floats(0, 3))
def test_order_does_not_matter(name: str, seed: int, size: int, gap: float) -> None:
    features, labels = planted(seed, gap, size=size)
    order = np.random.default_rng(seed).permutation(len(labels))
    again = SCORES[name](features[order], labels[order], 3)
    assert again == pytest.approx(SCORES[name](features, labels, 3), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("size", [3, 40])
@pytest.mark.parametrize("name", SCORES)
def test_separable_classes_are_near_the_top_and_noise_is_not(name: str, size: int) -> None:
    noise, labels = planted(0, 0, size=size)
    assert SCORES[name](noise + 60 * np.eye(3, size)[labels], labels, 3) >= SEPARABLE[name]
    if name not in {"sfda", "gbc", "transrate"} or size < len(labels):  # Noise of many dimensions is separable, too.
        assert SCORES[name](noise, labels, 3) < SEPARABLE[name]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e5 / 3])
@pytest.mark.parametrize("name", SCORES)
def test_constant_features_score_as_knowing_nothing(name: str, value: float) -> None:
    assert SCORES[name](np.full((10, 7), value), LABELS, 3) == pytest.approx(NOTHING[name], abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_a_constant_feature_beside_others_changes_little(name: str) -> None:
    features, labels = planted(0, 0.5)
    beside = np.column_stack([features, np.full(len(labels), 0.1)])
    # The H-score shrinks towards the mean over all features, and the nearest mean grows sharper with their number.
    tolerance = 0.1 if name in {"hscore", "centroid_loo"} else 1e-9
    assert SCORES[name](beside, labels, 3) == pytest.approx(SCORES[name](features, labels, 3), abs=tolerance)


@pytest.mark.parametrize(
    "name", sorted(set(SCORES) - {"nleep"})
)  # Whose number of clusters, and smoothing, is by classes.
def test_a_class_that_is_absent_changes_nothing(name: str) -> None:
    features, labels = planted(0, 0.5)
    found = SCORES[name](features, labels, 3)
    for elsewhere in (labels, np.array([0, 2, 4])[labels]):
        assert SCORES[name](features, elsewhere, 5) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("size", [1, 6, 40])
@pytest.mark.parametrize("name", sorted(set(SCORES) - {"centroid_loo"}))
def test_one_image_in_a_class(name: str, size: int) -> None:
    features, labels = planted(0, 0.5, size=size)
    labels[labels == 2] = 1
    labels[5] = 2
    least, most = RANGES[name]
    assert max(least, -20) - 1e-9 <= SCORES[name](features, labels, 3) <= min(most, 40) + 1e-9


def test_two_classes_of_which_one_is_a_single_image() -> None:
    # Its variance is the floor's; the two classes' spread alone then tells them apart.
    features = np.array([[-1.0], [1.0], [0.0]])
    assert -1 < gbc(features, np.array([0, 0, 1]), 2) < -0.1
