"""The numbers behind the figures as tables for ``dvc plots`` and ``dvc metrics``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from taskzoo.files import write_text
from taskzoo.recommend.comparison import Comparison
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.search.results import best_so_far

# The recommendation first, its controls after it.
ARMS = {
    "transfer": ("recommended", "random", "farthest", "no-transfer", "scratch"),
    "search": ("narrowed", "random-source", "full"),
}


def recommendation_table(recommendations: Sequence[Recommendation]) -> pd.DataFrame:
    """Return one row a target and candidate, best first within a target.

    Args:
        recommendations: At least one.

    Returns:
        Columns target, measure, rank (from 1), source, mean, low, high, repeats, probability_best,
        probability_gain, expected_gain, weight, recommended.
    """
    return pd.DataFrame(
        [
            {
                "target": recommendation.target,
                "measure": recommendation.measure,
                "rank": rank,
                "source": row.source,
                "mean": row.mean,
                "low": row.low,
                "high": row.high,
                "repeats": len(row.values),
                "probability_best": row.probability_best,
                "probability_gain": row.probability_gain,
                "expected_gain": row.expected_gain,
                "weight": row.weight,
                "recommended": row.source in recommendation.recommended,
            }
            for recommendation in recommendations
            for rank, row in enumerate(recommendation.candidates, start=1)
        ]
    )


def search_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return the best reward so far, one row a target, arm, strategy and number of evaluations.

    Args:
        comparisons: At least one, with trials.

    Returns:
        Columns target, arm, strategy, evaluations, mean, std, seeds (mean and standard deviation over seeds).
    """
    parts = [best_so_far(comparison.trials).assign(target=comparison.target) for comparison in comparisons]
    table = pd.concat(parts, ignore_index=True).rename(columns={"number": "evaluations"})
    return table[["target", "arm", "strategy", "evaluations", "mean", "std", "seeds"]]


def comparison_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return few-shot test accuracy, one row a target, arm and draw of training images.

    Args:
        comparisons: At least one, with transfers.

    Returns:
        Columns target, arm, source, draw (from 0), accuracy.
    """
    return pd.DataFrame(
        [
            {
                "target": comparison.target,
                "arm": transfer.arm,
                "source": transfer.source,
                "draw": draw,
                "accuracy": accuracy,
            }
            for comparison in comparisons
            for transfer in comparison.transfers
            for draw, accuracy in enumerate(transfer.accuracies)
        ]
    )


def transfer_gains(comparisons: Sequence[Comparison], control: str) -> pd.DataFrame:
    """Return how much better every arm is than a control, paired by draw and averaged over draws.

    Args:
        comparisons: Targets without the control are left out.
        control: An arm of the transfers.

    Returns:
        Columns target, arm, gain (mean difference of accuracies) and std over draws; none for the control.
    """
    rows = []
    for comparison in comparisons:
        accuracies = {row.arm: np.array(row.accuracies) for row in comparison.transfers}
        if control not in accuracies:
            continue
        gains = {arm: values - accuracies[control] for arm, values in accuracies.items() if arm != control}
        rows += [
            {"target": comparison.target, "arm": arm, "gain": gain.mean(), "std": pd.Series(gain).std(ddof=1)}
            for arm, gain in gains.items()
        ]
    return pd.DataFrame(rows, columns=["target", "arm", "gain", "std"])


def headline_metrics(recommendations: Sequence[Recommendation], comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Return what a reader wants to compare between two runs, flat, each mean with its spread and count.

    Args:
        recommendations: One a target.
        comparisons: None, one or more a target.

    Returns:
        Metric by name; a spread over targets is given only where there are two targets or more.
    """
    metrics: dict[str, float] = {
        "targets": len(recommendations),
        "answered": sum(bool(recommendation.recommended) for recommendation in recommendations),
    }
    if any(comparison.transfers for comparison in comparisons):
        accuracy = comparison_table(comparisons).groupby(["arm", "target"], sort=True)["accuracy"].mean()
        for arm, values in accuracy.groupby(level="arm"):
            metrics |= _summary(f"few_shot.{arm}.accuracy", values)
        for control in ("no-transfer", "random"):
            gains = transfer_gains(comparisons, control)
            metrics |= _summary(
                f"few_shot.recommended.gain_over_{control}", gains.loc[gains["arm"] == "recommended", "gain"]
            )
    if any(comparison.trials for comparison in comparisons):
        searched = search_table([comparison for comparison in comparisons if comparison.trials])
        searched["search"] = searched["arm"] + "." + searched["strategy"]
        last = searched.groupby(["search", "target"], sort=True)["mean"].last()
        for search, values in last.groupby(level="search"):
            metrics |= _summary(f"search.{search}.reward", values)
    return metrics


def _summary(name: str, values: "pd.Series[float]") -> dict[str, float]:
    """Return mean, standard deviation over targets and number of targets, as far as they exist."""
    out: dict[str, float] = {}
    if len(values):
        out |= {f"{name}.mean": float(values.mean()), f"{name}.targets": len(values)}
    if len(values) > 1:
        out[f"{name}.std"] = float(values.std(ddof=1))
    return out


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, atomically, numbers with ten significant digits."""
    write_text(path, table.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
