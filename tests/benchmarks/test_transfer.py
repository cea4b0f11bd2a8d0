"""Figures of the transfer benchmark, by hand and on made-up truths of known noise."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import rows
from benchmarks.transfer import costs, inputs, scores
from benchmarks.transfer.ceilings import ceilings, perfect_regrets, perfect_taus, variance
from benchmarks.transfer.controls import same_data_set, source_mean
from benchmarks.transfer.evaluate import Evaluation, _measures
from benchmarks.transfer.measures import NAMES as MEASURES
from benchmarks.transfer.measures import OF_TRAINED, score
from benchmarks.transfer.metrics import (
    Truth,
    cube,
    inside,
    interval,
    not_worse,
    regrets,
    residual,
    summary,
    weighted_taus,
)
from benchmarks.transfer.recommender import DEFAULT
from benchmarks.transfer.report import page
from benchmarks.transfer.settings import zoo
from benchmarks.transfer.timing import NEEDS
from benchmarks.transfer.view import View
from tests.benchmarks.examples import NAMES, SETTING, SIZE, SOURCES, made, truth
from tests.distance.examples import observation


def test_every_data_set_has_two_tasks_and_there_are_enough() -> None:
    datasets = [task.dataset for task in zoo().tasks.values()]
    assert len(datasets) >= 20
    assert min(datasets.count(name) for name in set(datasets)) >= 2


def test_pools_leave_out_the_task_itself_and_the_second_its_data_set() -> None:
    found = made(1, 1, 1)
    whole, other = inside(found, "all"), inside(found, "other")
    row = NAMES.index("houses-indoor")
    assert whole[row].sum() == SIZE
    assert not whole[row, row]
    assert {name for name, one in zip(SOURCES, other[row], strict=True) if not one} == {
        "houses-rooms",
        "houses-indoor",
        "houses-water",
    }


def test_tau_is_scipys_over_trained_sources_only() -> None:
    found = made(0, 1, 0)
    scores = np.random.default_rng(1).normal(size=(SIZE, SIZE + 1, 1))
    scores[:, -1] = 99.0
    taus = weighted_taus(found.mean, scores, inside(found, "all"))
    assert taus[0] == pytest.approx(stats.weightedtau(scores[0, 1:-1, 0], found.mean[0, 1:-1]).statistic)
    assert weighted_taus(found.mean, found.values, inside(found, "other")) == pytest.approx(np.ones(SIZE))
    assert not weighted_taus(found.mean, np.zeros_like(scores), inside(found, "all")).any()


def test_regret_counts_the_initial_state_on_both_sides() -> None:
    values = np.full((SIZE, SIZE + 1, 1), 0.5)
    values[0, 1:4, 0] = 0.6, 0.7, 0.55
    values[0, -1] = 0.65
    found = truth(values)
    scores = np.zeros((SIZE, SIZE + 1, 1))
    scores[0, 3], scores[0, 1], scores[0, -1] = 3.0, 2.0, 1.0
    pool = inside(found, "all")
    assert regrets(found.mean, scores, pool)[0] == pytest.approx(0.7 - 0.55)
    assert regrets(found.mean, scores, pool, 2)[0] == pytest.approx(0.7 - 0.6)
    assert regrets(found.mean, scores, pool, 3)[0] == pytest.approx(0.7 - 0.65)
    assert not_worse(found.mean, scores, pool)[0] == 0
    scores[0, -1] = 4.0
    assert regrets(found.mean, scores, pool)[0] == pytest.approx(0.7 - 0.65)
    scores[0, -1] = np.nan
    assert regrets(found.mean, scores, pool)[0] == pytest.approx(0.7 - 0.55)
    scores[0, 2] = 9.0
    assert not_worse(found.mean, scores, pool)[0] == 1


def test_ties_are_taken_in_no_order() -> None:
    values = np.full((SIZE, SIZE + 1, 1), 0.5)
    values[0, :-1] = np.linspace(0.5, 0.7, SIZE)[:, None]
    values[0, -1] = 0.6
    found = truth(values)
    scores = np.zeros((SIZE, SIZE + 1, 1))
    scores[:, -1] = np.nan
    pool = inside(found, "all")
    assert regrets(found.mean, scores, pool)[0] == pytest.approx(0.7 - found.mean[0, 1:-1].mean(), abs=0.02)
    assert not_worse(found.mean, scores, pool)[0] == pytest.approx(0.5, abs=0.15)


def test_residual_has_no_target_or_source_effect() -> None:
    left = residual(made(1, 1, 0).mean)
    assert np.nanmean(left, axis=0) == pytest.approx(np.zeros(SIZE + 1), abs=1e-6)
    assert np.nanmean(left, axis=1) == pytest.approx(np.zeros(SIZE), abs=1e-6)


@pytest.mark.parametrize("parts", [(3.0, 0.5, 0.5), (0.5, 3.0, 0.5), (0.5, 0.5, 3.0)])
def test_variance_shares_are_those_of_the_made_up_truth(parts: tuple[float, float, float]) -> None:
    found = np.mean([list(variance(made(*parts, seed=seed)).values()) for seed in range(20)], axis=0)
    wanted = np.square(parts) / np.square(parts).sum()
    assert found == pytest.approx(wanted, abs=0.06)


def test_ceilings_are_one_without_noise_and_low_with_much() -> None:
    clean, noisy = ceilings(made(0, 1, 1e-6)), ceilings(made(0, 1, 5))
    assert clean["attainable"] == pytest.approx(1)
    assert clean["oracle_regret_all"] == pytest.approx(0, abs=1e-6)
    assert noisy["reliability"] < 0.5
    assert noisy["oracle_tau_all"] < 0.4


def test_a_perfect_chooser_shows_the_tau_and_the_regret_that_it_would() -> None:
    clean = ceilings(made(0, 1, 1e-6))
    assert clean["perfect_regret_all"] == pytest.approx(0, abs=1e-5)
    assert clean["perfect_tau_all"] == pytest.approx(1, abs=1e-3)
    rng = np.random.default_rng(0)
    said, real = [], []
    for _ in range(20):
        true = rng.normal(size=(len(NAMES), len(SOURCES)))
        truth = Truth(NAMES, SOURCES, true[..., None] + rng.normal(0, 2, (*true.shape, 4)))
        pool = inside(truth, "all")
        said.append((perfect_taus(truth, pool), perfect_regrets(truth, pool)))
        real.append((weighted_taus(truth.mean, true[..., None], pool), regrets(truth.mean, true[..., None], pool)))
    tau, regret = np.mean(real, axis=(0, 2))
    assert np.mean(said, axis=(0, 2)) == pytest.approx([tau, regret], rel=0.15)
    assert regret > 0.2
    assert 0.3 < tau < 0.8


def test_the_source_mean_never_sees_its_target_nor_the_rest_of_its_data_set() -> None:
    found = made(0, 0, 1e-9)
    values = found.values.copy()
    row, column = NAMES.index("houses-rooms"), NAMES.index("mnist-ten")
    values[row, column] += 10
    raised = Truth(NAMES, SOURCES, values)
    own = source_mean(raised, whole_data_set=False)[:, column, 0]
    whole = source_mean(raised, whole_data_set=True)[:, column, 0]
    assert own[row] == pytest.approx(0, abs=1e-6)
    assert own[NAMES.index("houses-indoor")] > 0.3
    assert whole[NAMES.index("houses-indoor")] == pytest.approx(0, abs=1e-6)
    assert whole[NAMES.index("cifar-ten")] > 0.3
    assert same_data_set(raised)[row, NAMES.index("houses-water")] == 1


def test_intervals_hold_the_mean_and_shrink_with_targets() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = interval(values)
    few_low, few_high = interval(values[:20])
    assert low < values.mean() < high
    assert few_high - few_low > 3 * (high - low)


def test_tables_leave_out_torn_lines_and_repeated_results(tmp_path: Path) -> None:
    path, columns = tmp_path / "sub/table.csv", ("key", "target", "source", "draw", "accuracy")
    assert rows.read(path, columns).empty
    rows.append(path, columns, [("k1", "a", "b", 0, 0.5), ("k2", "a", "c", 0, 0.25)])
    rows.append(path, columns, [("k2", "a", "c", 0, 0.75)])
    with path.open("a") as handle:
        handle.write("k3,a,d")
    found = rows.read(path, columns)
    assert found["key"].tolist() == ["k1", "k2"]
    assert found["accuracy"].tolist() == [0.5, 0.75]


def test_targets_without_all_sources_are_left_out() -> None:
    table = pd.DataFrame(
        [(target, source, 0, 0.5) for target in NAMES[:3] for source in SOURCES if source != target],
        columns=["target", "source", "draw", "accuracy"],
    )
    assert cube(table, "accuracy", SETTING).targets == NAMES[:3]
    assert cube(table.iloc[:-1], "accuracy", SETTING).targets == NAMES[:2]


def test_a_table_of_fewer_measures_is_read_and_dropped_before_more_are_measured(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows.append(path, ("key", "target", "source", "draw", "old", "kept"), [("k1", "a", "b", 0, 1.0, 2.0)])
    columns = ("key", "target", "source", "draw", "kept", "new")
    found = rows.read(path, columns)
    assert list(found) == ["key", "target", "source", "draw", "kept"]
    assert found["kept"].tolist() == [2.0]
    rows.drop_others(path, columns)
    assert rows.read(path, columns).empty
    rows.append(path, columns, [("k2", "a", "b", 0, 3.0, 4.0)])
    rows.drop_others(path, columns)
    assert rows.read(path, columns)["new"].tolist() == [4.0]


def test_two_headers_of_processes_that_began_at_once_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("key,draw,value\nkey,draw,value\nk1,0,0.5\n")
    assert rows.read(path, ("key", "draw", "value"))["value"].tolist() == [0.5]


def test_measures_that_a_file_lacks_are_not_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "RESULTS", tmp_path)
    lines = [(f"{t} {s}", t, s, 0, 1.5) for t in NAMES for s in SOURCES if s != t]
    rows.append(scores.path_of("small", "few10"), ("key", "target", "source", "draw", "ridge_loo"), lines)
    found = _measures("small", "few10", made(1, 1, 1))
    assert list(found) == ["ridge_loo"]
    assert np.nanmax(found["ridge_loo"]) == 1.5


def test_a_score_is_of_its_inputs_and_of_the_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "task", lambda setting, name: SimpleNamespace(digest=name))
    monkeypatch.setattr(inputs, "print_of", lambda setting: "")
    pair = ("small", "few10", "a", "b", 0)
    before = scores.key(*pair)
    assert before == scores.key(*pair)
    assert before != scores.key("small", "few10", "a", "c", 0)
    monkeypatch.setattr(scores, "NAMES", [*MEASURES, "another"])
    assert before != scores.key(*pair)


def test_the_initial_state_has_no_classes_and_images_of_its_own() -> None:
    seen = observation()
    view = View(np.eye(2), np.eye(2), np.array([0, 1]), 2, None, seen)
    assert {name for name in OF_TRAINED if np.isnan(score(name, view, seen))} == {
        *("leep", "leep_loo", "nce", "tas", "task2vec", "task2vec_asymmetric"),
    }


def test_every_measure_has_a_cost() -> None:
    assert set(NEEDS) <= set(MEASURES)
    assert [costs.passes(name) for name in ("ridge_loo", "fisher_kernel", "ftd", "tas", "task2vec")] == [
        *("1 F", "1 F + 2 B", "2 F + 1 B", "2 F + 1 B", "0"),
    ]
    assert {task for pair in costs.PAIRS for task in pair} <= set(NAMES)
    for side in zip(*costs.PAIRS, strict=True):
        assert len({zoo().tasks[name].dataset for name in side}) == len(zoo().datasets)


def test_the_page_has_the_costs_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "RESULTS", tmp_path)
    assert costs.read("small", "few10") is None
    path = costs.path_of("small", "few10")
    path.parent.mkdir()
    others = {"fine_tuning": [2.0, 4, 9], "fine_tuning_passes": [30], "own_network": [3], "embedding": [0.5]}
    seconds = {"fisher_kernel": [0.2, 0.1, 0.3], "ridge_loo": [0.01]}
    path.write_text(json.dumps({"environment": {}, "seconds": seconds, "others": others}))
    known, found = costs.read("small", "few10"), made(1, 1, 1)
    figures = {"tau_residual": np.zeros(SIZE), **summary(found, found.values[..., :1])}
    tables = [
        page([Evaluation("small", "few10", found, dict.fromkeys((DEFAULT, "random"), figures), {}, each)], [])
        for each in (None, known)
    ]
    assert "| seconds | passes |" not in tables[0]
    assert "| seconds | passes |" in tables[1]
    assert "takes 4.0 seconds and 30 passes" in tables[1]
    rows_of = [next(line for line in table.splitlines() if line.startswith(f"| **{DEFAULT}**")) for table in tables]
    assert rows_of[1] == rows_of[0] + " 0.200 | 1 F + 2 B |"
    assert next(line for line in tables[1].splitlines() if line.startswith("| *random*")).endswith("|  |  |")
