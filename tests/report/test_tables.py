"""The tables against numbers worked out by hand."""

import json
from pathlib import Path

import pandas as pd
import pytest

from taskzoo.recommend.comparison import Comparison, Transfer
from taskzoo.report.tables import (
    comparison_table,
    headline_metrics,
    recommendation_table,
    search_table,
    transfer_gains,
    write_csv,
)
from taskzoo.search.results import Trial
from tests.report.examples import make_comparisons, make_distances, make_recommendations


def _trial(arm: str, seed: int, number: int, accuracy: float) -> Trial:
    return Trial(
        strategy="random",
        arm=arm,
        seed=seed,
        number=number,
        architecture={"op": "skip"},
        reward=accuracy,
        accuracy=accuracy,
        parameters=1,
        macs=1,
    )


def _comparison(target: str, recommended: list[float], scratch: list[float]) -> Comparison:
    return Comparison(
        target=target,
        transfers=[
            Transfer(arm="recommended", source="a", accuracies=recommended),
            Transfer(arm="no-transfer", source="no-transfer", accuracies=scratch),
        ],
        trials=[_trial("full", 0, 1, 0.5), _trial("full", 0, 2, 0.4), _trial("full", 1, 1, 0.7)],
    )


def test_gains_are_paired_by_draw() -> None:
    gains = transfer_gains([_comparison("t", [0.8, 0.7], [0.5, 0.6])], "no-transfer")
    assert gains[["target", "arm"]].to_numpy().tolist() == [["t", "recommended"]]
    assert gains["gain"].item() == pytest.approx(0.2)
    # The differences are 0.3 and 0.1, so their sample deviation is 0.2 / sqrt(2).
    assert gains["std"].item() == pytest.approx(0.2 / 2**0.5)


def test_a_target_without_the_control_has_no_gain() -> None:
    assert transfer_gains([_comparison("t", [0.8, 0.7], [0.5, 0.6])], "random").empty


def test_search_table_follows_the_best_and_counts_seeds() -> None:
    table = search_table([_comparison("t", [0.8], [0.5])])
    assert list(table.columns) == ["target", "arm", "strategy", "evaluations", "mean", "std", "seeds"]
    assert table["evaluations"].tolist() == [1, 2]
    # Seed 0 falls from 0.5 to 0.4, so its best stays; seed 1 stopped at 0.7.
    assert table["mean"].tolist() == pytest.approx([0.6, 0.6])
    assert table["std"].tolist() == pytest.approx([0.2 / 2**0.5] * 2)
    assert table["seeds"].tolist() == [2, 2]


def test_comparison_table_has_one_row_a_draw() -> None:
    table = comparison_table([_comparison("t", [0.8, 0.7], [0.5, 0.6])])
    assert table["draw"].tolist() == [0, 1, 0, 1]
    assert table["accuracy"].tolist() == [0.8, 0.7, 0.5, 0.6]
    assert table["source"].tolist() == ["a", "a", "no-transfer", "no-transfer"]


def test_recommendation_table_keeps_the_ranking() -> None:
    recommendations = make_recommendations(make_distances(4))
    table = recommendation_table(recommendations)
    for recommendation in recommendations:
        rows = table[table["target"] == recommendation.target]
        assert rows["source"].tolist() == [row.source for row in recommendation.candidates]
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows.loc[rows["recommended"], "source"].tolist() == recommendation.recommended
        assert set(rows["repeats"]) == {3}


def test_metrics_give_every_mean_its_spread_and_count() -> None:
    comparisons = [
        _comparison("t", [0.8, 0.7], [0.5, 0.6]),
        _comparison("u", [0.6, 0.6], [0.6, 0.6]),
    ]
    metrics = headline_metrics([], comparisons)
    assert metrics["few_shot.recommended.accuracy.mean"] == pytest.approx((0.75 + 0.6) / 2)
    assert metrics["few_shot.recommended.gain_over_no-transfer.mean"] == pytest.approx(0.1)
    assert metrics["few_shot.recommended.gain_over_no-transfer.std"] == pytest.approx(0.2 / 2**0.5)
    assert metrics["search.full.random.reward.mean"] == pytest.approx(0.6)
    means = {name.removesuffix(".mean") for name in metrics if name.endswith(".mean")}
    assert all(metrics[f"{name}.targets"] == 2 and f"{name}.std" in metrics for name in means)
    assert "few_shot.recommended.gain_over_random.mean" not in metrics


def test_metrics_of_one_target_claim_no_spread() -> None:
    metrics = headline_metrics([], make_comparisons(["t"]))
    assert not [name for name in metrics if name.endswith(".std")]
    json.dumps(metrics, allow_nan=False)


def test_csv_reads_back(tmp_path: Path) -> None:
    table = make_distances(3).table()
    write_csv(tmp_path / "distances.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "distances.csv"), table, check_dtype=False, rtol=1e-9)
