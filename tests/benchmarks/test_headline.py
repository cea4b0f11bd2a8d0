"""Which goals the headline calls missed, open, or too hard for one who tried."""

import numpy as np
import pytest

from benchmarks.transfer.ceilings import ceilings
from benchmarks.transfer.evaluate import Evaluation
from benchmarks.transfer.headline import HALVED, beyond_trying, missed, unsettled
from benchmarks.transfer.metrics import Array, Truth, summary
from benchmarks.transfer.recommender import DEFAULT, Answers
from tests.benchmarks.examples import SIZE, made

ALL_HALVED = [f"half the regret of {name}" for name in HALVED]
ABOVE = [f"tau above {name}" for name in HALVED]


def found(truth: Truth, own: Array) -> Evaluation:
    """Return an evaluation of scores beside rivals that know nothing; the recommender is sure of all gains."""
    blind = np.random.default_rng(1).normal(size=(SIZE, SIZE + 1, 8))
    scores = {DEFAULT: own[..., None], **{name: np.roll(blind, k, axis=2) for k, name in enumerate(HALVED)}}
    figures = {name: dict(summary(truth, values)) for name, values in scores.items()}
    answers = Answers(own[..., None], np.ones((SIZE, SIZE + 1, 1)))
    return Evaluation("small", "few50", truth, figures, ceilings(truth), answers=answers, scores=scores)


@pytest.fixture(scope="module")
def clear() -> Truth:
    """Return a truth that hardly varies between draws."""
    return made(0, 1, 0.01)


def test_who_knows_the_truth_meets_every_goal(clear: Truth) -> None:
    known = found(clear, clear.mean)
    assert missed(known) == unsettled(known) == beyond_trying(known) == []


def test_who_knows_nothing_misses_them_by_more_than_the_noise(clear: Truth) -> None:
    blind = found(clear, np.random.default_rng(5).normal(size=clear.mean.shape))
    assert set(ALL_HALVED) | set(ABOVE) < set(missed(blind))
    assert unsettled(blind) == []


def test_half_of_the_regret_is_open_where_it_is_about_half(clear: Truth) -> None:
    half_known = np.random.default_rng(5).normal(size=clear.mean.shape)
    half_known[::2] = clear.mean[::2]
    assert unsettled(found(clear, half_known)) == ALL_HALVED


def test_where_draws_differ_by_noise_alone_trying_helps_nobody() -> None:
    truth = made(0, 0, 1, seed=2)
    assert set(ABOVE) <= set(beyond_trying(found(truth, truth.mean)))
