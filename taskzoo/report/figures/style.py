"""What all figures share: fonts, colours, panels, captions, and PNG files that are equal byte for byte."""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from taskzoo.files import write_bytes

# Okabe and Ito's palette: distinct under all common forms of colour blindness.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
DARK, GREY, PALE = "#404040", "#8C8C8C", "#E4E4E4"

ARM_COLOURS = {
    "recommended": BLUE,
    "narrowed": BLUE,
    "random": ORANGE,
    "random-source": ORANGE,
    "farthest": PURPLE,
    "no-transfer": GREY,
    "scratch": GREEN,
    "full": DARK,
}

# DejaVu Sans at 10 points, and bold at 15.
CAPTION_LETTERS_PER_INCH, TITLE_LETTERS_PER_INCH = 12.8, 7.6
LEAST_WIDTH = 8.0
NAME_WIDTH = 18

_STYLE = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "grid.color": PALE,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.09,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with this module's settings only, whatever the user's matplotlibrc says."""
    with matplotlib.style.context(["default", _STYLE]):
        yield


def panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Make a figure of equal panels, row by row, without empty axes.

    Args:
        count: Number of panels, at least 1.
        columns: Most panels in a row.
        width: Of a panel, in inches.
        height: Of a panel, in inches.

    Returns:
        The figure and its axes.
    """
    across = min(columns, count)
    down = -(-count // across)
    figure = Figure(figsize=(max(across * width, LEAST_WIDTH), down * height))
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def frame(figure: Figure, title: str, caption: str, legend: Sequence[Artist] = ()) -> None:
    """Add a title and a legend above the panels and a caption below; the panels keep their height.

    Args:
        figure: Complete but for these.
        title: One sentence.
        caption: What is shown and how often it was repeated.
        legend: Handles that carry their labels.
    """
    width, panels_height = figure.get_size_inches()
    head = textwrap.wrap(title, int(width * TITLE_LETTERS_PER_INCH))
    foot = textwrap.wrap(caption, int(width * CAPTION_LETTERS_PER_INCH))
    above = 0.2 + 0.27 * len(head) + (0.36 if legend else 0.0)
    below = 0.2 + 0.19 * len(foot)
    height = panels_height + above + below
    figure.set_size_inches(width, height)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, below / height, 1, panels_height / height))
    left = 0.15 / width
    figure.text(left, 1 - 0.13 / height, "\n".join(head), va="top", fontsize=15, fontweight="bold")
    figure.text(left, 0.12 / height, "\n".join(foot), va="bottom", fontsize=10, color=DARK)
    if legend:
        box = figure.legend(
            handles=legend,
            loc="upper left",
            bbox_to_anchor=(left, 1 - (0.2 + 0.27 * len(head)) / height),
            ncols=len(legend),
            borderaxespad=0,
            borderpad=0,
        )
        box.set_in_layout(False)


def short(name: str) -> str:
    """Return a long name broken over lines, at hyphens where it has some."""
    return textwrap.fill(name, NAME_WIDTH)


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, atomically, without version or date: equal figures are equal bytes."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    write_bytes(path, buffer.getvalue())
