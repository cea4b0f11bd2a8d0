"""Risk and coverage by hand, and probabilities that come true where they can."""

import numpy as np
import pytest

from benchmarks.transfer.abstention import BINS, Choices, calibration, choices
from benchmarks.transfer.metrics import inside
from benchmarks.transfer.recommender import DEFAULT, Answers, first_day, headrooms, learned, recommenders
from taskzoo.recommend.belief import PRETRAINED, RANDOM
from taskzoo.recommend.gain import gain_model, headroom, wider
from tests.benchmarks.examples import NAMES, SIZE, made, truth

PARTS_OF_SCORE = ("fisher_kernel", "likeness", "pixel_likeness", "ftd_layerwise")


def test_risk_and_coverage_by_hand() -> None:
    found = Choices(
        probability=np.array([[0.9, 0.6], [0.8, 0.7]]),
        gain=np.array([[0.1, 0.1], [-0.2, -0.2]]),
        oracle=np.array([0.3, 0.0]),
    )
    assert found.at(0.75) == pytest.approx({"coverage": 0.5, "risk": 0.5, "gain": -0.025})
    assert found.at(0.0) == pytest.approx({"coverage": 1, "risk": 0.5, "gain": -0.05})
    never = found.at(2.0)
    assert (never["coverage"], never["gain"]) == (0, 0)
    assert np.isnan(never["risk"])
    assert found.promised() == pytest.approx((0.75, 0.5))
    coverage, risk = found.curve()
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 1 / 2, 2 / 3, 1 / 2])


def test_the_best_scored_source_of_the_pool_is_judged() -> None:
    cells = np.full((SIZE, SIZE + 1, 1), 0.5)
    row, same, other = (NAMES.index(name) for name in ("houses-indoor", "houses-water", "mnist-ten"))
    cells[row, same], cells[row, other] = 0.4, 0.8
    found = truth(cells)
    scores = np.zeros((SIZE, SIZE + 1, 1))
    scores[row, same], scores[row, other] = 2.0, 1.0
    gains = np.full(scores.shape, 0.3)
    gains[row, same], gains[row, other] = 0.9, 0.7
    chosen = choices(found, Answers(scores, gains))
    assert (chosen["all"].gain[row, 0], chosen["all"].probability[row, 0]) == (pytest.approx(-0.1), 0.9)
    assert (chosen["other"].gain[row, 0], chosen["other"].probability[row, 0]) == (pytest.approx(0.3), 0.7)
    assert chosen["all"].oracle[row] == pytest.approx(0.3)


def test_probabilities_learned_from_other_data_sets_come_true() -> None:
    found = made(0, 1, 0, draws=1, seed=3)
    gain = found.gain[..., None]
    noisy = gain + np.random.default_rng(4).normal(0, 1, gain.shape)
    given = learned(found, noisy - noisy[:, -1:], np.zeros((SIZE, SIZE)), np.ones((SIZE, 1)))
    bins = calibration(found, given)
    assert sum(count for *_, count in bins) == inside(found, "all")[:, :-1].sum()
    assert len(bins) == len(BINS) - 1
    for said, gained, count in bins:
        assert said == pytest.approx(gained, abs=0.1 + 1 / np.sqrt(count))


def test_the_initial_state_is_taken_where_no_gain_is_expected() -> None:
    found = made(0, 1, 0, draws=1)
    worse = truth(np.where(np.arange(SIZE + 1)[:, None] == SIZE, 99.0, found.values))
    score = np.nan_to_num(worse.gain)[..., None]
    given = learned(worse, score - score[:, -1:], np.zeros((SIZE, SIZE)), np.ones((SIZE, 1)))
    assert (given.gains[:, :-1] < 0.5).all()
    assert (given.scores[:, -1] > np.nanmax(given.scores[:, :-1], axis=1)).all()


def test_nothing_is_answered_where_a_part_is_missing() -> None:
    assert recommenders(made(0, 1, 0), {"fisher_kernel": np.zeros((SIZE, SIZE + 1, 1))}, PRETRAINED) == {}


def test_a_target_that_the_initial_state_has_solved_is_not_promised_a_gain() -> None:
    found = made(0, 1, 0, draws=1)
    score = np.nan_to_num(found.gain)[..., None]
    scores, none = score - score[:, -1:], np.zeros((SIZE, SIZE))
    rooms = np.ones((SIZE, 1))
    open_, solved = (learned(found, scores, none, rooms * np.r_[room, [1] * (SIZE - 1)][:, None]) for room in (1, 0.02))
    best = int(scores[0, :-1, 0].argmax())
    assert solved.gains[0, best, 0] < open_.gains[0, best, 0]
    assert np.ptp(solved.gains[0, :-1, 0][np.isfinite(found.mean[0, :-1])]) < 0.05


def test_headroom_is_what_the_initial_state_does_not_explain() -> None:
    known = {"ridge_loo": np.full((2, 3, 2), 0.9)}
    known["ridge_loo"][:, -1] = [[0.25, 1.0], [-0.5, 0.5]]
    score = np.zeros((2, 3, 2))
    assert headrooms(known, PRETRAINED, score) == pytest.approx(np.array([[0.75, 0.02], [1.0, 0.5]]))
    assert (headrooms(known, RANDOM, score) == 1).all()


def test_the_first_day_learns_nothing_from_the_truth_and_answers_as_believed() -> None:
    rng = np.random.default_rng(0)
    known = {name: rng.normal(size=(SIZE, SIZE + 1, 1)) for name in (*PARTS_OF_SCORE, "ridge_loo", "lfc")}
    known["class_count"] = np.tile(np.arange(2.0, SIZE + 3)[None, :, None], (SIZE, 1, 1))
    one, other = (first_day(made(0, 1, 0, draws=1, seed=seed), known, PRETRAINED)[DEFAULT] for seed in (1, 2))
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.gains, other.gains, equal_nan=True)
    room = headroom(float(known["ridge_loo"][0, -1, 0]))
    wide = wider(known["class_count"][0, 1:-1, 0], known["class_count"][0, 0, 0])
    model = gain_model((), NAMES[0], PRETRAINED)
    assert one.gains[0, 1:-1, 0] == pytest.approx(model.probability(one.scores[0, 1:-1, 0], wide, 0.0, room))
    assert one.scores[0, -1, 0] == pytest.approx(-PRETRAINED.level / (PRETRAINED.slope * room))
