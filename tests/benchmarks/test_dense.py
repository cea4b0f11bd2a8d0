"""Arithmetic of the dense benchmark, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.dense.agreement import (
    affinities,
    best_sources,
    by_chance,
    nearest_among,
    published,
    row_correlations,
    same_block,
    source_ranks,
    target_blind,
)
from benchmarks.dense.evaluate import agreement, followings, source_mean
from benchmarks.dense.figure import tree
from benchmarks.dense.settings import TASKS
from benchmarks.dense.truth import SOURCES, cube

SIZE = len(TASKS)


def test_there_are_seven_tasks_of_geometry_and_three_of_the_image() -> None:
    assert sorted(same_block().sum(1)) == [3] * 3 + [7] * 7
    assert by_chance(same_block()).sum() == pytest.approx(7 * 6 / 9 + 3 * 2 / 9)


def test_taskonomy_agrees_with_itself_and_keeps_to_its_blocks() -> None:
    found = agreement(affinities()[None])
    assert found.correlations == pytest.approx([1.0])
    assert (found.block, found.best) == (SIZE, SIZE)


def test_the_papers_figure_has_three_of_taskonomys_best_sources() -> None:
    found = agreement(published()[None])
    assert found.best == 3
    assert found.of_mean == pytest.approx(-0.06, abs=0.03)


def test_correlations_are_scipys_without_the_target_itself() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 4, 4))
    changed = one + 100 * np.eye(4)
    wanted = [stats.spearmanr(np.delete(one[row], row), np.delete(other[row], row)).statistic for row in range(4)]
    assert row_correlations(changed, other) == pytest.approx(wanted)


def test_sources_that_tie_say_nothing_and_are_taken_by_lot() -> None:
    tied = np.ones((SIZE, SIZE))
    assert not row_correlations(tied, affinities()).any()
    assert nearest_among(tied, same_block()) == pytest.approx(by_chance(same_block()))
    nearness = np.zeros((3, 3))
    nearness[0] = 9, 1, 1
    nearness[1, 2] = 1
    wanted = np.array([[False, True, False], [False, False, True], [True, False, False]])
    assert nearest_among(nearness, wanted).tolist() == [0.5, 1, 0.5]
    assert best_sources(nearness)[1].tolist() == [False, False, True]


def test_a_blind_choice_is_judged_by_other_targets_only() -> None:
    skill = np.array([[np.nan, 0.3, 0.1, 0.1], [0.2, np.nan, 0.4, 0.1], [0.5, 0.7, np.nan, 0.1]])
    gains = (skill - skill[:, -1:]) / np.nanstd(skill, axis=1, keepdims=True)
    found = source_mean(skill)
    assert found[0, 1] == pytest.approx(gains[2, 1])
    assert found[0, 2] == pytest.approx(gains[1, 2])
    assert found[1, 3] == 0


def test_following_the_truth_costs_nothing_and_its_opposite_much() -> None:
    rng = np.random.default_rng(0)
    skill = rng.random((SIZE, SIZE + 1, 2))
    skill[np.arange(SIZE), np.arange(SIZE)] = np.nan
    skill[:, :-1] += 10 * affinities()[:, :, None]
    found = followings(skill)
    assert found["affinities"].tau == pytest.approx(1, abs=0.2)
    assert found["affinities"].regret == pytest.approx(0, abs=0.01)
    assert found["random"].regret > 100
    assert abs(found["random"].tau) < 0.15


def test_only_complete_draws_of_the_truth_count() -> None:
    rows = [
        (target, source, 16, draw, 0.1 * draw)
        for draw in range(2)
        for target in TASKS
        for source in SOURCES
        if source != target
    ]
    table = pd.DataFrame(rows[:-1], columns=["target", "source", "images", "draw", "skill"])
    found = cube(table, 16)
    assert found.shape == (SIZE, SIZE + 1, 1)
    assert np.isnan(found[3, 3, 0])
    assert np.nansum(found) == 0


def test_tasks_that_are_each_others_nearest_are_joined_first() -> None:
    nearness = np.array([[0.0, 9, 1, 2], [9, 0, 2, 1], [1, 2, 0, 8], [2, 1, 8, 0]])
    ranks = source_ranks(nearness)
    assert ranks[0].tolist()[1:] == [1, 3, 2]
    joined = tree(ranks)
    assert {tuple(sorted(row[:2].astype(int))) for row in joined[:2]} == {(0, 1), (2, 3)}


def test_a_target_blind_order_never_sees_its_target() -> None:
    nearness = np.array([[0.0, 9, 1], [9, 0, 2], [2, 1, 0]])
    blind = target_blind(nearness)
    assert blind[0].tolist() == [-1, -2, -2]
    changed = nearness.copy()
    changed[0] = 0, 1, 9
    assert target_blind(changed)[0].tolist() == blind[0].tolist()
