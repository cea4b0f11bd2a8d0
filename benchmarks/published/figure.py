"""The measured matrices beside the published ones."""

from collections.abc import Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.published.agreement import Array, nearest
from benchmarks.published.evaluate import Found
from benchmarks.published.papers import papers
from taskzoo.report.figures.style import PALE, VERMILLION, frame, house_style

COLUMNS = 9  # Narrow panels in a row; a matrix of eight tasks takes three.
NARROW = 4  # Most tasks in a narrow panel.


def matrices_figure(found: Sequence[Found]) -> Figure:
    """Draw every set's published matrices, then the measured means, with the nearest source of each target framed.

    The means are shown twice, by the definition and as the papers' scripts compute them.

    Args:
        found: Sets and families.

    Returns:
        The figure.
    """
    sets = [name for name in papers() if any(each.name == name for each in found)]
    heights = [2.2 if len(papers()[name].tasks) <= NARROW else 4.6 for name in sets]
    with house_style():
        figure = Figure(figsize=(24, sum(heights)))
        grid = figure.add_gridspec(len(sets), COLUMNS, height_ratios=heights)
        for row, name in enumerate(sets):
            shown = _panels(name, found)
            width = 1 if len(papers()[name].tasks) <= NARROW else 3
            for column, (title, matrix) in enumerate(shown):
                axes = figure.add_subplot(grid[row, column * width : (column + 1) * width])
                _draw(axes, matrix, title)
        frame(figure, "Task distances, published and measured at small scale", _caption(sets, found))
    return figure


def _panels(name: str, found: Sequence[Found]) -> list[tuple[str, Array]]:
    """Return titles and matrices of a set."""
    published = [(f"{name}: {one}, published", np.array(each.mean)) for one, each in papers()[name].networks.items()]
    here = [each for each in found if each.name == name]
    measured = [(f"{name}: {each.family}, definition", each.mean) for each in here]
    measured += [(f"{name}: {each.family}, scripts", each.mean_of(each.scripts)) for each in here]
    return published + measured


def _draw(axes: Axes, matrix: Array, title: str) -> None:
    itself = np.eye(len(matrix), dtype=bool)
    seaborn.heatmap(
        matrix,
        mask=itself,
        annot=True,
        fmt=".2f",
        annot_kws={"fontsize": 9},
        cmap="YlGnBu_r",
        cbar=False,
        linewidths=1,
        linecolor="white",
        ax=axes,
    )
    for index in range(len(matrix)):
        axes.add_patch(Rectangle((index, index), 1, 1, facecolor=PALE, edgecolor="white"))
    for column, row in enumerate(nearest(matrix)):
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=VERMILLION, lw=2.5, clip_on=False))
    axes.set_title(title, fontsize=9.5)
    axes.tick_params(rotation=0)


def _caption(sets: Sequence[str], found: Sequence[Found]) -> str:
    seeds = min(len(each.values) for each in found)
    tasks = "; ".join(
        f"{name}: " + ", ".join(f"{number} {task}" for number, task in enumerate(papers()[name].tasks)) for name in sets
    )
    return (
        f"Rows are sources, columns targets; darker is closer, within a panel; a frame marks the nearest source of "
        f"each target. Means over 10 published runs and at least {seeds} measured ones. {tasks}."
    )
