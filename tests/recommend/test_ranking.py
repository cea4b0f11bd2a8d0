"""Rankings: order, probabilities, abstention, weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from taskzoo.errors import InputError
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.ranking import rank

PARAMS = RecommendParams(measure="ftd", confidence=0.9, sources=2)
CLEAR = {
    "near": [0.1, 0.12, 0.11],
    "far": [0.8, 0.79, 0.81],
    NO_TRANSFER: [0.5, 0.52, 0.51],
    "t": [0.0, 0.0, 0.0],
}


def test_a_clear_column_is_ranked_and_the_target_is_no_source_of_its_own() -> None:
    answer = rank("t", {"ftd": CLEAR}, lower_is_closer=True, params=PARAMS)
    assert [row.source for row in answer.candidates] == ["near", NO_TRANSFER, "far"]
    assert answer.recommended == ["near"]
    assert answer.weights() == {"near": 1.0}
    assert answer.candidate("near").probability_best > 0.99
    assert "near is closest" in answer.reason


def test_direction_turns_the_ranking() -> None:
    answer = rank("t", {"ftd": CLEAR}, lower_is_closer=False, params=PARAMS)
    assert answer.recommended == ["far"]


def test_it_abstains_when_the_gap_is_noise() -> None:
    noisy = {"a": [0.4, 0.6, 0.5], "b": [0.6, 0.4, 0.52], NO_TRANSFER: [0.5, 0.51, 0.55]}
    answer = rank("t", {"ftd": noisy}, lower_is_closer=True, params=PARAMS)
    assert answer.recommended == []
    assert answer.weights() == {}
    assert answer.reason.startswith("No source is recommended")


def test_it_abstains_when_nothing_transfer_is_best() -> None:
    column = {"a": [0.9, 0.9, 0.91], "b": [0.8, 0.81, 0.8], NO_TRANSFER: [0.1, 0.1, 0.12]}
    assert rank("t", {"ftd": column}, lower_is_closer=True, params=PARAMS).recommended == []


def test_a_shift_common_to_a_repeat_is_not_noise() -> None:
    shift = np.array([0.0, 5.0, -3.0])
    moved = {name: (np.array(values) + shift).tolist() for name, values in CLEAR.items()}
    still = rank("t", {"ftd": CLEAR}, True, PARAMS)
    answer = rank("t", {"ftd": moved}, True, PARAMS)
    assert answer.recommended == still.recommended
    assert answer.candidate("near").probability_best == still.candidate("near").probability_best


def test_interval_and_gain_against_hand_computation() -> None:
    column = {"a": [0.0, 0.2], NO_TRANSFER: [0.3, 0.3]}
    answer = rank("t", {"ftd": column}, True, RecommendParams(measure="ftd"))
    # Residuals are +-0.05 in all four cells: variance 4 * 0.0025 / ((2 - 1) * (2 - 1)) = 0.01, of a mean 0.005.
    half = stats.t.ppf(0.95, 1) * np.sqrt(0.005)
    row = answer.candidate("a")
    assert row.low == pytest.approx(0.1 - half)
    assert row.high == pytest.approx(0.1 + half)
    # The difference of two t(1) draws is Cauchy with twice the scale.
    assert row.probability_gain == pytest.approx(stats.cauchy.cdf(0.2 / (2 * np.sqrt(0.005))), abs=0.015)


def test_weights_follow_the_gain_over_no_transfer_and_others_are_shown() -> None:
    column = {
        "a": [0.1, 0.1, 0.1],
        "b": [0.3, 0.3, 0.3],
        "c": [0.45, 0.45, 0.45],
        NO_TRANSFER: [0.5, 0.5, 0.5],
    }
    other = {name: [1.0, 2.0, 3.0] for name in column}
    answer = rank("t", {"ftd": column, "logdet": other}, True, PARAMS)
    assert answer.weights() == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert answer.candidate("a").others == {"logdet": 2.0}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({NO_TRANSFER: [1.0, 1.0]}, "at least one source"),
        ({"a": [1.0, 1.0]}, "no-transfer"),
        ({"a": [1.0], NO_TRANSFER: [1.0]}, "at least 2"),
        ({"a": [1.0, 2.0], NO_TRANSFER: [1.0, 2.0, 3.0]}, "same number"),
    ],
)
def test_unusable_columns_are_refused(column: dict[str, list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rank("t", {"ftd": column}, True, PARAMS)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 4))
def test_probabilities_sum_to_one_and_order_follows_means(seed: int, sources: int, repeats: int) -> None:
    rng = np.random.default_rng(seed)
    column = {f"s{i}": rng.random(repeats).tolist() for i in range(sources)} | {
        NO_TRANSFER: rng.random(repeats).tolist()
    }
    answer = rank("t", {"ftd": column}, True, PARAMS)
    assert sum(row.probability_best for row in answer.candidates) == pytest.approx(1)
    means = [row.mean for row in answer.candidates]
    assert means == sorted(means)
    assert sum(answer.weights().values()) == pytest.approx(1 if answer.recommended else 0)
