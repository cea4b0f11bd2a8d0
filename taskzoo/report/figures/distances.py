"""The distance matrix of one measure, and how far it is from being symmetric."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from taskzoo.distance.matrix import Distances
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.report.figures.style import DARK, PALE, VERMILLION, frame, house_style, short

Array = npt.NDArray[np.float64]
CELL_WIDTH, CELL_HEIGHT = 0.78, 0.56
ITSELF, CHANCE = "itself, anew", "permuted labels"


@dataclass(frozen=True)
class _Unit:
    """How the numbers of one measure are printed: as multiples of 10^exponent with so many decimals."""

    exponent: int
    decimals: int

    @property
    def scale(self) -> float:
        return 10.0**self.exponent

    @property
    def label(self) -> str:
        return f", in units of $10^{{{self.exponent}}}$" if self.exponent else ""

    def cell(self, mean: float, std: float, sign: str = "") -> str:
        if math.isnan(mean):
            return ""
        number = f"{mean / self.scale:{sign}z.{self.decimals}f}".replace("-", "−")
        return number if math.isnan(std) else f"{number}\n±{std / self.scale:.{self.decimals}f}"


def distance_figure(distances: Distances, measure: str) -> Figure:
    """Draw mean and standard deviation over repeats, sources in rows, targets in columns.

    A frame marks the closest source of every column, the task itself left out. Beside it stands, for tasks
    that are both source and target, the matrix minus its transpose, with each pair once.

    Args:
        distances: All measures of all pairs.
        measure: Which one to draw.

    Returns:
        The figure.
    """
    lower = distances.facts[measure].lower_is_closer
    sources = [name for name in distances.sources if name != NO_TRANSFER]
    start = [NO_TRANSFER] if NO_TRANSFER in distances.values[measure][distances.tasks[0]] else []
    yardsticks = [ITSELF, CHANCE] if distances.facts[measure].needs_labels else [ITSELF]
    rows = [*sources, *start, *yardsticks]
    values = _cube(distances, measure, rows, distances.tasks)
    shared = [task for task in distances.tasks if task in sources]
    asymmetric = len(shared) > 1
    with house_style():
        figure, axes = _axes(len(rows), len(distances.tasks), len(shared) if asymmetric else 0)
        unit = _unit(values)
        _draw_matrix(axes[0], values, rows, distances.tasks, unit, lower)
        direction = "lower is closer" if lower else "higher is closer"
        axes[0].set_title(f"Mean ± std ({direction}{unit.label})")
        if asymmetric:
            square = _cube(distances, measure, shared, shared)
            _draw_asymmetry(axes[1], square, shared, lower)
            axes[1].set_ylim(axes[0].get_ylim())
        frame(
            figure,
            f"{measure}: from every source to every target ({direction})",
            _caption(distances, measure, asymmetric),
        )
    return figure


def _axes(rows: int, columns: int, shared: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes with room for cells of one size whatever their number."""
    widths = [columns * CELL_WIDTH, *([shared * CELL_WIDTH] if shared else [])]
    margin = 2.6
    width = max(sum(widths) + margin * len(widths), 8.0)
    figure = Figure(figsize=(width, rows * CELL_HEIGHT + 1.9))
    ratios = [part + margin for part in widths]
    axes = figure.subplots(1, len(widths), width_ratios=ratios, squeeze=False)
    return figure, list(axes.flat)


def _cube(distances: Distances, measure: str, sources: list[str], targets: list[str]) -> Array:
    """Return values [source, target, repeat]; NaN where a pair was not measured."""
    missing = [math.nan] * distances.repeats
    references = distances.references[measure]
    columns = {
        target: column | {ITSELF: references[target].itself, CHANCE: references[target].chance}
        for target, column in distances.values[measure].items()
    }
    rows = [[columns[target].get(source, missing) for target in targets] for source in sources]
    return np.array(rows, dtype=np.float64)


def _unit(values: Array) -> _Unit:
    """Return a power of a thousand for the largest value, and decimals that still show the usual spread."""
    largest = float(np.nanmax(np.abs(values))) or 1.0
    exponent = 0 if 0.05 <= largest < 1000 else 3 * math.floor(math.log10(largest) / 3)
    spread = _spread(values)
    usual = float(np.median(spread[spread > 0])) if (spread > 0).any() else largest
    decimals = math.ceil(-math.log10(usual / 10.0**exponent))
    return _Unit(exponent, min(max(decimals, 1 if largest < 100 * 10.0**exponent else 0), 3))


def _spread(values: Array) -> Array:
    """Return the sample standard deviation over repeats; NaN where there is only one."""
    if values.shape[2] == 1:
        return np.full(values.shape[:2], math.nan)
    spread: Array = values.std(axis=2, ddof=1)
    return spread


def _draw_matrix(
    axes: Axes, values: Array, rows: list[str], columns: list[str], unit: _Unit, lower_is_closer: bool
) -> None:
    """Draw the coloured cells, the grey diagonal and yardsticks, the frames and the gap above no transfer."""
    mean, std = values.mean(2), _spread(values)
    itself = np.array([[row in {column, ITSELF, CHANCE} for column in columns] for row in rows])
    labels = np.vectorize(unit.cell)(mean, std)
    # The diagonal stays out of the colour scale: a task's distance to itself would use up half of it.
    seaborn.heatmap(
        mean / unit.scale,
        mask=itself | np.isnan(mean),
        annot=labels,
        fmt="",
        annot_kws={"fontsize": 9.5},
        cmap="YlGnBu_r" if lower_is_closer else "YlGnBu",
        linewidths=1,
        linecolor="white",
        xticklabels=[short(name) for name in columns],
        yticklabels=[short(name) for name in rows],
        cbar_kws={"label": "darker is closer", "shrink": 0.7, "pad": 0.02},
        ax=axes,
    )
    for row, column in np.argwhere(itself):
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=PALE, edgecolor="white"))
        axes.text(column + 0.5, row + 0.5, labels[row, column], ha="center", va="center", fontsize=9.5, color=DARK)
    for column, row in _closest(np.where(itself, math.nan, mean), lower_is_closer):
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=VERMILLION, lw=3, clip_on=False, zorder=3))
    below = next(row for row, name in enumerate(rows) if name in {NO_TRANSFER, ITSELF})
    axes.axhline(below, color="white", linewidth=6)
    axes.set_xlabel("target")
    axes.set_ylabel("source")
    _turn_labels(axes)


def _closest(mean: Array, lower_is_closer: bool) -> list[tuple[int, int]]:
    """Return (column, row) of the closest source of every column that has one."""
    badness = np.nan_to_num(mean if lower_is_closer else -mean, nan=math.inf)
    rows = badness.argmin(0)
    return [(column, int(row)) for column, row in enumerate(rows) if np.isfinite(badness[row, column])]


def _draw_asymmetry(axes: Axes, square: Array, names: list[str], lower_is_closer: bool) -> None:
    """Draw the lower triangle of A minus its transpose, paired by repeat."""
    difference = square - square.transpose(1, 0, 2)
    mean, std = difference.mean(2), _spread(difference)
    upper = np.triu(np.ones(mean.shape, dtype=bool))
    unit = _unit(difference[~upper][None])
    limit = float(np.nanmax(np.abs(mean))) / unit.scale or 1.0
    seaborn.heatmap(
        mean / unit.scale,
        mask=upper | np.isnan(mean),
        annot=np.vectorize(lambda m, s: unit.cell(m, s, "+"))(mean, std),
        fmt="",
        annot_kws={"fontsize": 9.5},
        cmap="PuOr",
        vmin=-limit,
        vmax=limit,
        linewidths=1,
        linecolor="white",
        xticklabels=[short(name) for name in names],
        yticklabels=[short(name) for name in names],
        cbar_kws={"label": "0 is symmetric", "shrink": 0.7, "pad": 0.02},
        ax=axes,
    )
    sign = "negative" if lower_is_closer else "positive"
    note = f"{sign}: the row is closer\nas source of the column\nthan the other way round"
    axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", color=DARK)
    axes.set_title(f"Asymmetry: (row → column) − (column → row){unit.label}")
    _turn_labels(axes)


def _turn_labels(axes: Axes) -> None:
    """Slant the column names and keep the row names level."""
    axes.tick_params(length=0)
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="right", rotation_mode="anchor")
    for label in axes.get_yticklabels():
        label.set(rotation=0)


def _caption(distances: Distances, measure: str, asymmetric: bool) -> str:
    """Return what the cells, frames and colours are and how much was repeated."""
    facts = distances.facts[measure]
    text = (
        f"{measure}: {facts.source}; possible values: {_range(*facts.range)}, no unit. Cells: mean ± std "
        f"(standard deviation) over {distances.repeats} repeats (independent trainings of the source, each "
        "with its own draw of target images). Compare down a column: orange frame = closest source of that "
        "target, the task itself (grey) left out; a frame in the row no-transfer = no source is closer than "
        "the shared initial state. To read the numbers by: what the target's own network shows when it is trained and "
        "drawn anew, and what it shows under permuted labels."
    )
    if asymmetric:
        text += " Right: the same cells minus their mirror image, paired by repeat, every pair once."
    return text


def _range(low: float | None, high: float | None) -> str:
    """Return a measure's bounds in words."""
    if low is None:
        return "any" if high is None else f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
