"""Figures of the search benchmarks, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import area, monas, narrowing, naswot
from benchmarks.nasbench201 import answers
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.results import Trial
from taskzoo.search.table import TEST, VALIDATION, Accuracies


def test_the_best_so_far_is_judged_by_the_test_of_the_best_validation() -> None:
    cells = [{f"edge_{i}_{j}": option for j in range(1, 4) for i in range(j)} for option in ("none", "skip_connect")]
    known = Accuracies({}, dict(zip(map(cell_string, cells), (0.9, 0.7), strict=True)))
    trials = [
        Trial(
            strategy="x",
            arm="full",
            seed=0,
            number=n + 1,
            architecture=cells[cell],
            reward=a,
            accuracy=a,
            parameters=1,
            macs=1,
        )
        for n, (cell, a) in enumerate([(0, 0.5), (1, 0.6), (0, 0.5)])
    ]
    curve = narrowing.reached(trials, known)
    assert curve[:3].tolist() == [0.9, 0.7, 0.7]
    assert len(curve) == narrowing.TRIALS
    assert set(curve[3:]) == {0.7}


def test_the_bound_is_the_test_of_what_validation_prefers_among_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {f"edge_{i}_{j}": ["none"] for j in range(1, 4) for i in range(j)} | {"edge_0_1": ["none", "skip_connect"]}
    one, other = (
        cell_string({name: options[-1 if name == "edge_0_1" and last else 0] for name, options in left.items()})
        for last in (False, True)
    )
    known = Accuracies({one: 0.6, other: 0.5}, {one: 0.7, other: 0.9, "elsewhere": 0.95})
    monkeypatch.setattr(narrowing, "accuracies", lambda *_: known)
    monkeypatch.setattr(narrowing, "kept", lambda *_: left)
    monkeypatch.setattr(narrowing, "BOUND", tmp_path / "bound.csv")
    narrowing.measure_bound(Path("table"), "cifar10")
    assert narrowing.bounds() == {"cifar10": {"regret": 25.0, "error": 0.0, "cells": 2.0}}


def test_the_evaluations_that_narrowing_needs() -> None:
    points = np.array(narrowing.POINTS, dtype=np.float64)
    falling = narrowing.Curve(10 / points, points / 1000, 50)
    low = narrowing.Curve(np.where(points < 3, 5.0, 0.05), points / 100, 100)
    found = narrowing.entry({"full": falling, "narrowed": low, "random": falling, "worst": falling})
    assert found["seeds"] == 50
    assert found["regret"]["full"] == 0.05
    assert found["error"]["full"] == 0.2
    assert found["regret_after_tenth"]["full"] == 0.5
    assert found["evaluations_needed"] == 3
    assert found["met"]
    slow = narrowing.Curve(low.regret + 0.01, low.error, 100)
    worse = narrowing.entry({"full": falling, "narrowed": slow, "random": falling, "worst": falling})
    assert worse["evaluations_needed"] is None
    assert not worse["met"]


def test_all_narrowing_results_are_of_todays_settings() -> None:
    found = narrowing.headline()
    seeds = {name: each["seeds"] for name, each in found["cells"].items()}
    assert {count for name, count in seeds.items() if name.startswith(("random", "evolution"))} == {narrowing.SEEDS}
    assert max(seeds.values()) <= narrowing.SEEDS


def test_the_figures_of_naswot() -> None:
    scores = np.arange(40.0)
    columns = {f"{name}{kind}": scores / 100 for name in naswot.SETS for kind in (VALIDATION, TEST)}
    table = pd.DataFrame({"key": "x", "score": scores, "seconds": 3.0, "forward": 2.0, **columns})
    table.loc[0, "score"] = -np.inf
    figures = naswot.headline(table)
    assert figures["tau"]["cifar10"]["test"] == 1.0
    assert figures["without_score"] == 1
    assert figures["passes"] == 1.5
    assert not figures["met"]  # Too few networks.
    # The best of ten among 0 to 39: about 39 * 10 / 11.
    assert figures["search"]["10"]["mean"] == pytest.approx(36, abs=0.6)


def test_the_networks_are_distinct_and_always_the_same() -> None:
    assert len(set(naswot.cells())) == naswot.NETWORKS
    assert naswot.cells()[:5] == naswot.cells()[:5]


def outcome(reward: float, **metrics: float) -> Trial:
    return Trial.model_validate(
        {
            "strategy": "x",
            "arm": "full",
            "seed": 0,
            "number": 1,
            "architecture": {},
            "reward": reward,
            "accuracy": 0.5,
            "parameters": 1,
            "macs": 1,
            **metrics,
        }
    )


def test_the_answer_is_the_best_by_reward_not_by_accuracy() -> None:
    trials = [outcome(0.0, accuracy=0.9), outcome(0.3, accuracy=0.3), outcome(0.2, accuracy=0.8), outcome(0.3)]
    assert answers(trials, (1, 2, 4)) == [trials[0], trials[1], trials[1]]


def test_the_figures_of_a_limit() -> None:
    columns = {f"{name}_{budget}": 50.0 for name in ("validation", "test", "macs") for budget in monas.BUDGETS}
    table = pd.DataFrame([columns] * 4)
    table["macs_200"] = [39.0, 39.99, 40.0, 41.0]
    table["validation_200"] = [70.0, 72.0, 90.0, 90.0]
    found = monas.of_limit(table)
    assert found["below"] == {"20": 0, "50": 0, "100": 0, "200": 0.5}
    assert found["validation"]["200"] == {"mean": 71, "std": pytest.approx(2**0.5, abs=1e-4), "error": 1}


def test_area_begins_with_the_better_half(monkeypatch: pytest.MonkeyPatch) -> None:
    table = [((index,) * 6, float(index)) for index in range(20)]
    monkeypatch.setattr(area, "scored", lambda: table)
    assert area.first_population(3) == [(index,) * 6 for index in range(19, 9, -1)]


def test_area_is_ahead_by_more_than_chance() -> None:
    def figures(mean: float) -> dict[str, dict[str, float]]:
        values = dict.fromkeys(map(str, area.BUDGETS), mean)
        return {"mean": values, "error": dict.fromkeys(values, 0.3)}

    gains = {0.5: False, 1.0: True, -1.0: False}  # Two standard errors of a difference are 0.85.
    for gain, wanted in gains.items():
        found = {f"{t} {s}": figures(90 + gain * (s == "area")) for t in naswot.SETS for s in ("area", "evolution")}
        assert area.ahead(found) is wanted
