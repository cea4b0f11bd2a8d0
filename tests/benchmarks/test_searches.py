"""Figures of the search benchmarks, by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import narrowing, naswot
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.results import Trial
from taskzoo.search.table import TEST, VALIDATION, Accuracies


def test_the_best_so_far_is_judged_by_the_test_of_the_best_validation() -> None:
    cells = [{f"edge_{i}_{j}": option for j in range(1, 4) for i in range(j)} for option in ("none", "skip_connect")]
    known = Accuracies({}, dict(zip(map(cell_string, cells), (0.9, 0.7), strict=True)))
    trials = [
        Trial(
            strategy="x", arm="full", seed=0, number=n + 1, architecture=cells[cell], accuracy=a, parameters=1, macs=1
        )
        for n, (cell, a) in enumerate([(0, 0.5), (1, 0.6), (0, 0.5)])
    ]
    curve = narrowing.reached(trials, known)
    assert curve[:3].tolist() == [0.9, 0.7, 0.7]
    assert len(curve) == narrowing.TRIALS
    assert set(curve[3:]) == {0.7}


def test_the_evaluations_that_narrowing_needs() -> None:
    points = np.array(narrowing.POINTS, dtype=np.float64)
    falling, low = (10 / points, 50), (np.where(points < 3, 5.0, 0.05), 100)
    found = narrowing.entry({"full": falling, "narrowed": low, "random": falling, "worst": falling})
    assert found["seeds"] == 50
    assert found["regret"]["full"] == 0.05
    assert found["regret_after_tenth"]["full"] == 0.5
    assert found["evaluations_needed"] == 3
    assert found["met"]
    worse = narrowing.entry({"full": falling, "narrowed": (low[0] + 0.01, 100), "random": falling, "worst": falling})
    assert worse["evaluations_needed"] is None
    assert not worse["met"]


def test_all_narrowing_results_are_of_todays_settings() -> None:
    found = narrowing.headline()
    assert found["cells"]
    assert {each["seeds"] for each in found["cells"].values()} == {narrowing.SEEDS}


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
