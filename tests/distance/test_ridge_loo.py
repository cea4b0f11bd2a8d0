"""The closed form of leave-one-out against refitting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from taskzoo.distance.kernel_regression import NOISE, loo_r2
from taskzoo.distance.ridge_loo import ridge_loo
from taskzoo.distance.transferability.arrays import Array, centred, one_hot
from tests.distance.examples import observation


def gram(features: Array) -> Array:
    """Return the inner products of centred features."""
    return centred(features) @ centred(features).T


def refitted(features: Array, labels: list[int], penalty: float) -> float:
    """Compute the leave-one-out R^2 by fitting once without each image."""
    targets = np.eye(max(labels) + 1)[labels]
    errors, baseline = 0.0, 0.0
    for index in range(len(labels)):
        rest = np.arange(len(labels)) != index
        model = Ridge(alpha=penalty, solver="svd").fit(features[rest], targets[rest])
        errors += np.square(targets[index] - model.predict(features[index : index + 1])[0]).sum()
        baseline += np.square(targets[index] - targets[rest].mean(0)).sum()
    return float(1 - errors / baseline)


@pytest.mark.parametrize("size", [2, 8, 30])
@pytest.mark.parametrize("classes", [2, 4])
def test_closed_form_equals_refitting(size: int, classes: int) -> None:
    rng = np.random.default_rng(size)
    labels = [index % classes for index in range(12)]
    features = rng.normal(3, 1, (12, size)) + np.array(labels)[:, None]
    found = loo_r2(gram(features), one_hot(np.array(labels), classes))
    scale = np.square(features - features.mean(0)).sum() / 12
    for index in (6, 15, 20, 27):
        wanted = refitted(features, labels, NOISE[index] * scale)
        assert found[index] == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_by_hand_through_the_origin_of_three_points() -> None:
    # Features 0, 1, 2 with labels 0, 1, 0 at a penalty so large that nothing is fitted: the baseline itself.
    found = loo_r2(gram(np.array([[0.0], [1.0], [2.0]])), one_hot(np.array([0, 1, 0]), 2))
    assert found[-1] == pytest.approx(0, abs=2e-3)


def test_the_label_itself_scores_one_and_constants_zero() -> None:
    labels = [0, 1, 0, 1, 0, 1]
    assert ridge_loo(*[observation(features=[[5.0 * x] for x in labels], labels=labels)] * 2) > 0.999
    assert ridge_loo(*[observation(features=[[2.0]] * 6, labels=labels)] * 2) == 0


def test_noise_in_many_dimensions_scores_about_zero() -> None:
    rng = np.random.default_rng(0)
    seen = observation(features=rng.normal(size=(40, 200)), labels=[0, 1] * 20)
    assert -0.01 < ridge_loo(seen, seen) < 0.15


def test_the_targets_own_network_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    ab, bb = (observation(features=rng.normal(size=(8, 3)), labels=[0, 1] * 4) for _ in range(2))
    assert ridge_loo(ab, bb) == ridge_loo(ab, ab)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 20), scale=st.floats(0.01, 100), shift=st.floats(-9, 9))
def test_scale_offset_rotation_and_order_do_not_matter(seed: int, size: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(12) % 3)
    features = rng.normal(size=(12, size))
    rotation = np.linalg.qr(rng.normal(size=(size, size)))[0]
    order = rng.permutation(12)
    found = loo_r2(gram((scale * features @ rotation + shift)[order]), one_hot(labels[order], 3))
    assert found == pytest.approx(loo_r2(gram(features), one_hot(labels, 3)), rel=1e-6, abs=1e-6)
    assert found.max() <= 1
