"""Best architecture so far against the number of evaluations, narrowed search beside its controls."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from taskzoo.recommend.comparison import Comparison
from taskzoo.report.figures.style import (
    ARM_COLOURS,
    frame,
    house_style,
    panels,
)
from taskzoo.report.tables import ARMS, search_table

_LABELS = {
    "narrowed": "narrowed (recommended sources)",
    "random-source": "narrowed by a random source",
    "full": "full space",
}
_MARKERS = {"narrowed": "o", "random-source": "^", "full": "s"}
_DODGE = {"narrowed": -0.14, "random-source": 0.0, "full": 0.14}


def search_figure(comparisons: Sequence[Comparison]) -> Figure:
    """Draw one panel a target and strategy: mean ± standard deviation over seeds of the best reward so far.

    Args:
        comparisons: At least one, with trials.

    Returns:
        The figure.
    """
    table = search_table(comparisons)
    strategies = sorted(table["strategy"].unique())
    cells = [(c.target, strategy) for c in comparisons for strategy in strategies]
    with house_style():
        # Whole targets fill a row, so that the strategies of one stand side by side.
        across = len(strategies) * max(1, 4 // len(strategies))
        figure, axes = panels(len(cells), across, 4.0, 2.9)
        for panel, (target, strategy) in zip(axes, cells, strict=True):
            here = table[table["target"] == target]
            _draw(panel, here[here["strategy"] == strategy])
            panel.set_ylim(*_limits(here))
            panel.set_xlim(0.5, table["evaluations"].max() + 0.5)
            panel.set_title(f"{target}: {strategy}")
        for panel in axes[::across]:
            panel.set_ylabel("reward")
        frame(
            figure,
            "Does the narrowed space find good networks sooner? (higher is better)",
            "Best reward so far (validation accuracy, unless search.reward says otherwise), mean ± standard deviation "
            f"over {_range(table['seeds'])} searches (seeds) per arm; markers are moved aside a little so that "
            "bars do not hide each other; one axis per target.",
            _legend([arm for arm in ARMS["search"] if arm in set(table["arm"])]),
        )
    return figure


def _draw(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the arms of one target and strategy."""
    for arm, curve in table.groupby("arm", sort=True):
        name = str(arm)
        axes.errorbar(
            curve["evaluations"] + _DODGE[name],
            curve["mean"],
            curve["std"],
            color=ARM_COLOURS[name],
            marker=_MARKERS[name],
            markersize=5,
            linewidth=1.8,
            elinewidth=1.1,
            capsize=2,
        )
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y")
    axes.set_xlabel("architectures evaluated")


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """Return one axis for all strategies of a target, bars included."""
    low = float((table["mean"] - table["std"]).min())
    high = float((table["mean"] + table["std"]).max())
    margin = max(0.06 * (high - low), 0.005)
    return low - margin, min(high, 1.0) + margin


def _legend(arms: Sequence[str]) -> list[Artist]:
    """Return what explains the arms once for all panels."""
    return [Line2D([], [], color=ARM_COLOURS[arm], marker=_MARKERS[arm], label=_LABELS[arm]) for arm in arms]


def _range(counts: "pd.Series[int]") -> str:
    """Return "2" where all counts are equal, else "2 to 5"."""
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"
