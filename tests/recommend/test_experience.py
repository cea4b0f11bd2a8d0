"""What past transfers say of a source."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.experience import PRIOR, SLOPE, PastTransfer, shrinkage, source_effects
from taskzoo.recommend.ranking import rank
from tests.recommend.columns import column


def past(target: str, source: str, gain: float, score: float = 0.0) -> PastTransfer:
    return PastTransfer(target=target, source=source, score=score, gain=gain)


def test_by_hand() -> None:
    record = [past("x", "a", 0.3), past("x", "b", 0.1), past("y", "a", 0.0, 1.0), past("y", "b", 0.0, -1.0)]
    # Within x the gains are +-.1 from their mean, within y 0: variance (2 * .01) / 2, spread .1.
    # In spreads: a has 1 and 0 - SLOPE, b the opposite: on two data sets nothing is kept, of one it is not known.
    assert source_effects(record, "t") == {}
    effect = (1 - SLOPE) / (2 + PRIOR) / SLOPE
    together = [each.model_copy(update={"dataset": "d"}) for each in record]
    assert source_effects(together, "t") == pytest.approx({"a": effect, "b": -effect})


def test_how_much_is_kept_by_hand() -> None:
    left = {"a": [("d", 1.0), ("d", 2.0), ("e", 0.1)], "b": [("d", -0.5), ("e", 0.2)]}
    # Products of rests on different data sets: .1 and .2, and -.1; squares 1, 4, .01, .25 and .04.
    assert shrinkage(left) == pytest.approx((5.3 / 5) / (0.2 / 3) - 1)
    assert shrinkage({"a": [("d", 1.0), ("e", 1.0)]}) == PRIOR
    assert shrinkage({"a": [("d", 1.0), ("d", -1.0)]}) == PRIOR
    assert shrinkage({"a": [("d", 1.0), ("e", -1.0)]}) == math.inf


def test_what_is_kept_counts_as_far_as_it_is_sure_by_hand() -> None:
    # Products 1 * .2, 1 * .3 and .2 * .3; without d, e or f .06, .3 or .2: mean .56 / 3, squared error 2 / 3 * .0290.
    error = math.sqrt(2 / 3 * sum((each - 0.56 / 3) ** 2 for each in (0.06, 0.3, 0.2)))
    left = {"a": [("d", 1.0), ("e", 0.2), ("f", 0.3)], "b": [("d", 0.0), ("d", 5.0)]}
    assert shrinkage(left) == pytest.approx((26.13 / 5) / (0.56 / 3 - error) - 1)
    # One data set that says otherwise takes all away.
    assert shrinkage({"a": [("d", 1.0), ("e", 1.0), ("f", -0.1)]}) == math.inf


def test_the_targets_own_transfers_are_not_looked_at() -> None:
    record = [past("t", "a", 0.9), past("t", "b", 0.1)]
    assert source_effects(record, "t") == {}
    others = [past("x", "a", 0.3), past("x", "b", 0.1)]
    assert source_effects([*record, *others], "t") == source_effects(others, "t")


def test_nothing_is_learned_from_nothing() -> None:
    assert source_effects([], "t") == {}
    assert source_effects([past("x", "a", 0.4), past("y", "b", 0.2)], "t") == {}
    assert source_effects([past("x", "a", 0.4), past("x", "b", 0.4)], "t") == {}


@given(st.integers(0, 1000), st.integers(5, 60))
def test_a_source_that_is_always_better_is_found_and_more_so_with_more_targets(seed: int, targets: int) -> None:
    rng = np.random.default_rng(seed)
    record = [
        past(f"x{number}", source, 0.1 * (source == "good") + 0.01 * float(rng.normal()))
        for number in range(targets)
        for source in ("good", "plain", "other")
    ]
    effects = source_effects(record, "t")
    assert effects["good"] > 0 > max(effects["plain"], effects["other"])
    assert effects["good"] > source_effects(record[:9], "t")["good"]


def test_experience_orders_what_the_scores_leave_open() -> None:
    values = {"a": [0.2, 0.2], "b": [0.2, 0.2], NO_TRANSFER: [0.5, 0.5]}
    record = [past("x", "a", 0.0), past("x", "b", 0.2), past("y", "a", 0.1), past("y", "b", 0.3)]
    params = RecommendParams(measure="ftd")
    assert rank(column({"ftd": values}), params).sources() == ["a", "b"]
    answer = rank(column({"ftd": values}), params, record)
    assert answer.sources() == ["b", "a"]
    row = answer.candidate("b")
    assert row.experience == row.score == pytest.approx(source_effects(record, "t")["b"])
