"""LEEP, its leave-one-out form and NCE against their definitions, image by image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.transferability.leep import PSEUDO, leep, leep_loo
from taskzoo.distance.transferability.nce import nce
from tests.distance.transferability.examples import source_outputs

pytestmark = pytest.mark.filterwarnings("error")
CERTAIN = np.array([[0, -np.inf], [0, -np.inf], [-np.inf, 0], [-np.inf, 0]])
LABELS = np.array([0, 1, 1, 1])


def expected(shares: Array, labels: Labels, others: list[int], image: int, pseudo: float) -> float:
    """Return the probability of an image's label, by a joint distribution counted over other images."""
    total = 0.0
    for z in range(shares.shape[1]):
        joint = pseudo + sum(shares[other, z] for other in others if labels[other] == labels[image])
        marginal = sum(shares[other, z] for other in others) + pseudo * (max(labels) + 1)
        total += shares[image, z] * joint / marginal
    return total


@pytest.mark.parametrize("seed", range(4))
def test_leep_is_its_definition(seed: int) -> None:
    logs, labels = source_outputs(seed)
    everyone = list(range(len(labels)))
    wanted = np.mean([np.log(expected(np.exp(logs), labels, everyone, image, 0)) for image in everyone])
    assert leep(logs, labels, 3) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_leave_one_out_is_counting_again_without_the_image(seed: int) -> None:
    logs, labels = source_outputs(seed)
    labels[:2], labels[2:] = [0, 1], 2  # Classes of one image, too.
    logs = np.column_stack([logs, [-np.inf] * len(labels)])
    logs[0] = [-np.inf, -np.inf, -np.inf, -np.inf, 0]  # A source class that one image alone is of, and of no other.
    wanted = []
    for image in range(len(labels)):
        others = [other for other in range(len(labels)) if other != image]
        wanted.append(np.log(expected(np.exp(logs), labels, others, image, PSEUDO / 3)))
    assert leep_loo(logs, labels, 3) == pytest.approx(np.mean(wanted), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_nce_is_mutual_information_less_the_entropy_of_labels(seed: int) -> None:
    logs, labels = source_outputs(seed)
    shares = np.bincount(labels) / len(labels)
    wanted = mutual_info_score(labels, logs.argmax(1)) + (shares * np.log(shares)).sum()
    assert nce(logs, labels, 3) == pytest.approx(wanted, rel=1e-12)


def test_by_hand_with_certain_predictions() -> None:
    # Of the first source class one image in two has each label; of the second, all have the same.
    assert nce(CERTAIN, LABELS, 2) == pytest.approx(np.log(0.5) / 2)
    assert leep(CERTAIN, LABELS, 2) == pytest.approx(np.log(0.5) / 2)
    # Left out, the first two leave one image of the other label; the last two leave one of their own.
    none, own = (PSEUDO / 2) / (1 + PSEUDO), (1 + PSEUDO / 2) / (1 + PSEUDO)
    assert leep_loo(CERTAIN, LABELS, 2) == pytest.approx((np.log(none) + np.log(own)) / 2)


def test_a_source_class_that_is_never_seen_changes_nothing() -> None:
    logs = np.column_stack([CERTAIN, [-np.inf] * 4])
    assert leep(logs, LABELS, 2) == leep(CERTAIN, LABELS, 2)
    assert leep(np.column_stack([CERTAIN, [-1000.0] * 4]), LABELS, 2) == leep(CERTAIN, LABELS, 2)
    assert leep_loo(logs, LABELS, 2) == leep_loo(CERTAIN, LABELS, 2)


def test_a_source_that_says_nothing_leaves_the_labels_entropy() -> None:
    wanted = 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    same = np.log(np.full((4, 5), 0.2))
    assert leep(same, LABELS, 2) == pytest.approx(wanted)
    assert nce(same, LABELS, 2) == pytest.approx(wanted)


def test_more_source_classes_help_by_chance_only_where_no_image_is_left_out() -> None:
    few, labels = source_outputs(0, count=60, outputs=2)
    many, _ = source_outputs(1, count=60, outputs=400)
    assert leep(many, labels, 3) > leep(few, labels, 3) + 0.05
    assert leep_loo(many, labels, 3) < leep_loo(few, labels, 3) + 0.05


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), outputs=st.integers(1, 6))
def test_ranges_order_and_names(seed: int, outputs: int) -> None:
    logs, labels = source_outputs(seed, outputs=outputs)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(labels)), rng.permutation(3)
    for score in (leep, leep_loo, nce):
        found = score(logs, labels, 3)
        assert found <= 1e-12
        assert score(logs[order][:, rng.permutation(outputs)], names[labels][order], 3) == pytest.approx(found)
    shares = np.bincount(labels) / len(labels)
    # What the source knows is never less than nothing.
    assert nce(logs, labels, 3) >= (shares * np.log(shares)).sum() - 1e-12
    for plug_in in (leep, nce):
        assert plug_in(logs, labels, 4) == pytest.approx(plug_in(logs, labels, 3), rel=1e-12)  # A class is absent.
