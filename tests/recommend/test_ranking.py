"""Rankings: order, probabilities, abstention, weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from taskzoo.errors import InputError
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.belief import PRETRAINED, RANDOM
from taskzoo.recommend.gain import gain_model
from taskzoo.recommend.ranking import rank
from tests.recommend.columns import column as column_of

PARAMS = RecommendParams(measure="ftd", confidence=0.75, sources=2)
CLEAR = {
    "near": [0.1, 0.12, 0.11],
    "far": [0.8, 0.79, 0.81],
    NO_TRANSFER: [0.5, 0.52, 0.51],
    "t": [0.0, 0.0, 0.0],
}


def test_a_clear_column_is_ranked_and_the_target_is_no_source_of_its_own() -> None:
    answer = rank(column_of({"ftd": CLEAR}), PARAMS)
    assert answer.sources() == ["near", "far"]
    assert answer.start.mean == pytest.approx(0.51)
    assert answer.recommended == ["near"]
    assert answer.weights() == {"near": 1.0}
    assert answer.candidate("near").probability_best > 0.99
    assert "near is recommended" in answer.reason


def test_direction_turns_the_ranking() -> None:
    answer = rank(column_of({"ridge_loo": CLEAR}), PARAMS.model_copy(update={"measure": "ridge_loo"}))
    assert answer.sources() == ["far", "near"]


def test_it_abstains_when_the_gap_is_noise() -> None:
    noisy = {"a": [0.4, 0.6, 0.5], "b": [0.6, 0.4, 0.52], NO_TRANSFER: [0.5, 0.51, 0.5]}
    answer = rank(column_of({"ftd": noisy}), PARAMS)
    assert answer.recommended == []
    assert answer.weights() == {}
    assert answer.reason.startswith("No source is recommended")


def test_it_abstains_sooner_from_pretrained_weights() -> None:
    random, pretrained = (rank(column_of({"ftd": CLEAR}), PARAMS, belief=belief) for belief in (RANDOM, PRETRAINED))
    assert random.sources() == pretrained.sources()
    assert random.recommended == ["near"]
    assert pretrained.recommended == []


def test_it_abstains_when_nothing_transfer_is_best() -> None:
    column = {"a": [0.9, 0.9, 0.91], "b": [0.8, 0.81, 0.8], NO_TRANSFER: [0.1, 0.1, 0.12]}
    assert rank(column_of({"ftd": column}), PARAMS).recommended == []


def test_a_shift_common_to_a_repeat_is_not_noise() -> None:
    shift = np.array([0.0, 5.0, -3.0])
    moved = {name: (np.array(values) + shift).tolist() for name, values in CLEAR.items()}
    still = rank(column_of({"ftd": CLEAR}), PARAMS)
    answer = rank(column_of({"ftd": moved}), PARAMS)
    assert answer.recommended == still.recommended
    assert answer.candidate("near").probability_best == still.candidate("near").probability_best


def test_interval_and_gain_against_hand_computation() -> None:
    column = {"a": [0.0, 0.2], NO_TRANSFER: [0.3, 0.3]}
    answer = rank(column_of({"ftd": column}), RecommendParams(measure="ftd"))
    # Residuals are +-0.05 in all four cells: variance 4 * 0.0025 / ((2 - 1) * (2 - 1)) = 0.01, of a mean 0.005.
    half = stats.t.ppf(0.95, 1) * np.sqrt(0.005)
    row = answer.candidate("a")
    assert row.low == pytest.approx(0.1 - half)
    assert row.high == pytest.approx(0.1 + half)
    # One source has no spread to be measured in: its score is 0, and a gain as probable as any source's.
    assert row.score == 0
    assert row.probability_gain == gain_model([], "t", RANDOM).probability(np.zeros(1), np.zeros(1), 0.0)[0]


def test_scores_count_from_no_transfer() -> None:
    closeness, start = -np.array([0.11, 0.8]), -0.51
    expected = (closeness - start) / closeness.std()
    answer = rank(column_of({"ftd": CLEAR}), PARAMS)
    assert [answer.candidate(name).score for name in ("near", "far")] == pytest.approx(expected.tolist())


def test_weights_follow_the_expected_gain_and_others_are_shown() -> None:
    column = {
        "a": [0.1, 0.1, 0.1],
        "b": [0.3, 0.3, 0.3],
        "c": [0.45, 0.45, 0.45],
        NO_TRANSFER: [0.5, 0.5, 0.5],
    }
    other = {name: [1.0, 2.0, 3.0] for name in column}
    answer = rank(column_of({"ftd": column, "logdet": other}), PARAMS)
    gains = RANDOM.level + RANDOM.slope * np.array([answer.candidate(name).score for name in "ab"])
    assert list(answer.weights()) == ["a", "b"]
    assert list(answer.weights().values()) == pytest.approx((gains / gains.sum()).tolist())
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
        rank(column_of({"ftd": column}), PARAMS)


def test_the_layerwise_fisher_distance_and_the_features_fit_are_added_at_half_weight() -> None:
    values = {"a": [0.1, 0.1], "b": [0.2, 0.2], "c": [0.6, 0.6], NO_TRANSFER: [0.5, 0.5]}
    apart = {"a": [9.0, 9.0], "b": [1.0, 1.0], "c": [2.0, 2.0], NO_TRANSFER: [0.1, 0.1]}
    fit = {"a": [0.4, 0.4], "b": [0.1, 0.1], "c": [0.9, 0.9], NO_TRANSFER: [0.2, 0.2]}
    answer = rank(column_of({"ftd": values, "ftd_layerwise": apart, "ridge_loo": fit}), PARAMS)
    closeness, own = -np.array([0.1, 0.2, 0.6]), -np.array([9.0, 1.0, 2.0])
    expected = (closeness + 0.5) / closeness.std() + 0.5 * stats.zscore(own) + 0.5 * stats.zscore([0.4, 0.1, 0.9])
    for name, score in zip("abc", expected, strict=True):
        assert answer.candidate(name).score == pytest.approx(score)
    # From pretrained weights the labels' correlation counts whole; from random ones it is shown alone.
    alike = {"a": [0.2, 0.2], "b": [0.5, 0.5], "c": [0.1, 0.1], NO_TRANSFER: [0.2, 0.2]}
    column = column_of({"ftd": values, "ftd_layerwise": apart, "ridge_loo": fit, "lfc": alike})
    by_belief = [rank(column, PARAMS, belief=belief) for belief in (RANDOM, PRETRAINED)]
    for place, name in enumerate("abc"):
        random, pretrained = (found.candidate(name) for found in by_belief)
        assert random.score == pytest.approx(expected[place])
        assert pretrained.score == pytest.approx(expected[place] + stats.zscore([0.2, 0.5, 0.1])[place])
        assert random.others["lfc"] == alike[name][0]
    assert [found.beside for found in by_belief] == [RANDOM.beside, PRETRAINED.beside]
    assert by_belief[1].parts() == "ftd_layerwise x 0.5, ridge_loo x 0.5, lfc x 1"
    # Where it ranks, it counts once.
    alone = rank(column_of({"ftd_layerwise": apart}), PARAMS.model_copy(update={"measure": "ftd_layerwise"}))
    assert alone.candidate("a").score == pytest.approx((own[0] + 0.1) / own.std())


def test_the_likeness_of_the_images_is_added_in_standard_deviations() -> None:
    values = {"a": [0.1, 0.1], "b": [0.2, 0.2], "c": [0.6, 0.6], NO_TRANSFER: [0.5, 0.5]}
    looks = {"a": [9.0, 9.0], "b": [1.0, 1.0], "c": [2.0, 2.0]}
    answer = rank(column_of({"ftd": values, "unlikeness": looks}), PARAMS)
    closeness, likeness = -np.array([0.1, 0.2, 0.6]), -np.array([9.0, 1.0, 2.0])
    expected = (closeness + 0.5) / closeness.std() + stats.zscore(likeness)
    assert [answer.candidate(name).score for name in "abc"] == pytest.approx(expected.tolist())
    assert answer.sources() == ["b", "a", "c"]
    assert answer.candidate("a").others == {"unlikeness": 9.0}
    alone = rank(column_of({"ftd": values, "unlikeness": looks}), PARAMS.model_copy(update={"likeness": 0.0}))
    assert alone.sources() == ["a", "b", "c"]


def test_a_source_narrower_than_the_target_is_less_likely_to_gain() -> None:
    values = {"a": [0.1, 0.1], "b": [0.2, 0.2], NO_TRANSFER: [0.5, 0.5]}
    narrow, as_wide, unknown = (
        rank(column_of({"ftd": values}, classes={"a": 3, "b": 3, **target}), PARAMS, belief=PRETRAINED).candidate("a")
        for target in ({"t": 6}, {"t": 3}, {})
    )
    assert [narrow.wider, as_wide.wider, unknown.wider] == pytest.approx([-np.log(2), 0, 0])
    assert narrow.score == as_wide.score == unknown.score
    assert narrow.probability_gain < as_wide.probability_gain == unknown.probability_gain
    apart = as_wide.expected_gain - narrow.expected_gain
    assert apart == pytest.approx(np.log(2) * PRETRAINED.width * PRETRAINED.spread)


def test_where_pretrained_weights_leave_little_to_be_gained_no_score_promises_much() -> None:
    values = {"a": [0.1, 0.1], "b": [0.6, 0.6], NO_TRANSFER: [0.5, 0.5]}
    fits = ({"a": [0.9, 0.9], "b": [0.2, 0.2], NO_TRANSFER: [told, told]} for told in (0.9, 0.1))
    little, much = (column_of({"ftd": values, "ridge_loo": fit}) for fit in fits)
    solved, open_ = (rank(column, PARAMS, belief=PRETRAINED) for column in (little, much))
    assert [solved.headroom, open_.headroom] == pytest.approx([0.1, 0.9])
    assert solved.sources() == open_.sources()
    assert solved.candidate("a").probability_gain < open_.candidate("a").probability_gain
    unit = PRETRAINED.slope * PRETRAINED.spread
    for found in (solved, open_):
        expected = PRETRAINED.level * PRETRAINED.spread + found.headroom * unit * found.candidate("a").score
        assert found.candidate("a").expected_gain == pytest.approx(expected)
    # From random weights it does not count.
    assert solved.reason.endswith("Without a transfer 90% of the labels' variance is explained already.")
    random = rank(little, PARAMS, belief=RANDOM)
    assert random.headroom == 1
    assert "explained" not in random.reason


def test_sources_of_many_classes_come_first_where_all_else_is_equal() -> None:
    values = {"a": [0.1, 0.1], "b": [0.3, 0.3], "c": [0.3, 0.3], NO_TRANSFER: [0.5, 0.5]}
    classes = {"a": 2, "b": 2, "c": 10}
    answer = rank(column_of({"ftd": values}, classes=classes), PARAMS)
    closeness, breadth = -np.array([0.1, 0.3, 0.3]), np.log([2, 2, 10])
    expected = (closeness + 0.5) / closeness.std() + stats.zscore(breadth)
    assert [answer.candidate(name).score for name in "abc"] == pytest.approx(expected.tolist())
    assert answer.candidate("c").classes == 10
    assert answer.sources() == ["a", "c", "b"]
    del classes["b"]
    unknown = rank(column_of({"ftd": values}, classes=classes), PARAMS)
    assert unknown.candidate("b").score < unknown.candidate("c").score
    numbers = rank(column_of({"ftd": values}, classes={**classes, "b": 0}), PARAMS)
    assert numbers.candidate("b").score == unknown.candidate("b").score  # A source of numbers is like the average.
    nothing = rank(column_of({"ftd": values}, classes={}), PARAMS)
    assert nothing.candidate("b").score == nothing.candidate("c").score


def test_halves_give_the_noise_and_a_repeat_counts_once() -> None:
    values = {"a": [0.2, 0.2], "b": [0.3, 0.3], NO_TRANSFER: [0.5, 0.5]}
    rng = np.random.default_rng(0)
    halves = {
        name: (np.array(row)[:, None] + 0.05 * rng.normal(size=(2, 300))).tolist() for name, row in values.items()
    }
    sure, unsure = rank(column_of({"ftd": values}), PARAMS), rank(column_of({"ftd": values}, {"ftd": halves}), PARAMS)
    assert sure.candidate("a").high == sure.candidate("a").low
    row = unsure.candidate("a")
    assert (row.high - row.low) / 2 == pytest.approx(stats.norm.ppf(0.95) * 0.05 / np.sqrt(2), rel=0.1)
    assert row.probability_best == pytest.approx(stats.norm.cdf(0.1 / (0.05 / np.sqrt(2)) / np.sqrt(2)), abs=0.05)
    assert 0.5 < row.probability_best < sure.candidate("a").probability_best == 1


def test_sources_that_may_as_well_be_the_best_are_named() -> None:
    noisy = {"a": [0.4, 0.6, 0.5], "b": [0.6, 0.4, 0.5], "c": [0.9, 0.9, 0.9], NO_TRANSFER: [0.5, 0.51, 0.55]}
    assert set(rank(column_of({"ftd": noisy}), PARAMS).within_noise) == {"a", "b"}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 4))
def test_probabilities_sum_to_one_and_order_follows_means(seed: int, sources: int, repeats: int) -> None:
    rng = np.random.default_rng(seed)
    column = {f"s{i}": rng.random(repeats).tolist() for i in range(sources)} | {
        NO_TRANSFER: rng.random(repeats).tolist()
    }
    answer = rank(column_of({"ftd": column}), PARAMS)
    assert sum(row.probability_best for row in answer.candidates) == pytest.approx(1)
    means = [row.mean for row in answer.candidates]
    scores = [row.score for row in answer.candidates]
    assert scores == sorted(scores, reverse=True)
    assert means == sorted(means)
    assert sum(answer.weights().values()) == pytest.approx(1 if answer.recommended else 0)
