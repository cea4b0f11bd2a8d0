"""Few-shot accuracy from the recommended source beside its controls, and the gain over no transfer."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from taskzoo.recommend.comparison import Comparison
from taskzoo.report.figures.style import ARM_COLOURS, DARK, frame, house_style, short
from taskzoo.report.tables import ARMS, comparison_table, transfer_gains

BAR = 0.17
_LABELS = {
    "recommended": "recommended source",
    "random": "random source",
    "farthest": "farthest source",
    "no-transfer": "no transfer (initial state)",
    "scratch": "scratch (random weights)",
}


def comparison_figure(comparisons: Sequence[Comparison], abstained: Collection[str]) -> Figure:
    """Draw test accuracy per target and arm, and each arm's gain over no transfer across targets.

    Args:
        comparisons: At least one, with transfers.
        abstained: Targets without a recommendation; there the arm "recommended" is the best-ranked source.

    Returns:
        The figure.
    """
    table = comparison_table(comparisons)
    targets = [comparison.target for comparison in comparisons]
    arms = [arm for arm in ARMS["transfer"] if arm in set(table["arm"])]
    with house_style():
        figure = Figure(figsize=(max(1.35 * len(targets), 4.0) + 5.0, 5.6))
        left, right = figure.subplots(1, 2, width_ratios=[max(1.35 * len(targets), 4.0), 3.6])
        _draw_accuracies(left, table, targets, arms)
        left.set_xticks(range(len(targets)), [short(t) + ("\n(abstained)" if t in abstained else "") for t in targets])
        _draw_gains(right, transfer_gains(comparisons, "no-transfer"), [arm for arm in arms if arm != "no-transfer"])
        draws = int(table["draw"].max()) + 1
        frame(
            figure,
            "Is the recommended source worth it? Few-shot test accuracy (higher is better)",
            f"Left: mean ± standard deviation over {draws} draws of training images, dots: single draws. "
            f"Right: gain over no transfer, one dot a target ({len(targets)}), mean ± standard deviation of the "
            "difference paired by draw; black: mean ± standard error over targets. (abstained): no source "
            "was likely enough to beat no transfer, and the best-ranked one stands in for a recommended one.",
            [Patch(color=ARM_COLOURS[arm], label=_LABELS[arm]) for arm in arms],
        )
    return figure


def _draw_accuracies(axes: Axes, table: pd.DataFrame, targets: Sequence[str], arms: Sequence[str]) -> None:
    """Draw grouped bars with error bars and the single draws."""
    for position, arm in enumerate(arms):
        draws = table[table["arm"] == arm].groupby("target", sort=False)["accuracy"]
        offset = (position - (len(arms) - 1) / 2) * BAR
        x = np.array([targets.index(str(target)) for target in draws.groups]) + offset
        axes.bar(x, draws.mean(), BAR * 0.92, color=ARM_COLOURS[arm])
        axes.errorbar(x, draws.mean(), draws.std(ddof=1), fmt="none", color=DARK, elinewidth=1.4, capsize=3)
        for place, (_, values) in zip(x, draws, strict=True):
            spread = place + np.linspace(-0.05, 0.05, len(values))
            axes.plot(spread, values, "o", color="white", markeredgecolor=DARK, markersize=3.4)
    axes.set_xlim(-0.6, len(targets) - 0.4)
    axes.set_ylim(0, 1.04)
    axes.set_ylabel("test accuracy (share of images)")
    axes.grid(axis="y")
    axes.tick_params(axis="x", length=0)
    axes.set_title("Per target")


def _draw_gains(axes: Axes, gains: pd.DataFrame, arms: Sequence[str]) -> None:
    """Draw one dot a target and the mean over targets, in percentage points."""
    axes.axhline(0, color=DARK, linewidth=1)
    for position, arm in enumerate(arms):
        rows = gains[gains["arm"] == arm]
        points, deviations = rows["gain"].to_numpy() * 100, rows["std"].to_numpy() * 100
        spread = np.linspace(-0.13, 0.13, len(points)) if len(points) > 1 else np.zeros(1)
        axes.errorbar(
            position + spread,
            points,
            deviations,
            fmt="o",
            color=ARM_COLOURS[arm],
            markersize=6,
            elinewidth=0.8,
        )
        if len(points) > 1:
            error = points.std(ddof=1) / np.sqrt(len(points))
            axes.errorbar(
                position + 0.3,
                points.mean(),
                error,
                fmt="D",
                color="black",
                capsize=5,
                elinewidth=2,
                markersize=6,
            )
            axes.annotate(
                f"{points.mean():+.1f}".replace("-", "−"),
                (position + 0.3, points.mean()),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                fontsize=10,
            )
    axes.set_xticks(range(len(arms)), arms)
    axes.set_xlim(-0.4, len(arms) - 0.2)
    axes.set_ylabel("gain over no transfer (percentage points)")
    axes.grid(axis="y")
    axes.tick_params(axis="x", length=0)
    axes.set_title("Over all targets")
