"""Risk against coverage: what the recommender's answers are worth as ever less certain ones are given."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.transfer.abstention import THRESHOLD, Choices, choices
from benchmarks.transfer.evaluate import Evaluation
from taskzoo.report.figures.style import BLUE, DARK, VERMILLION, frame, house_style, panels

WANTED = 0.05
COLOURS = {"all": BLUE, "other": VERMILLION}
LABELS = {"all": "all sources", "other": "other data sets only"}


def abstention_figure(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw one panel a probe and regime, with a curve for each pool and a dot at the default threshold.

    Args:
        evaluations: Those with answers of the recommender; at least one.

    Returns:
        The figure.
    """
    with house_style():
        figure, axes = panels(len(evaluations), 2, 6, 4)
        for panel, found in zip(axes, evaluations, strict=True):
            assert found.answers is not None
            for pool, each in choices(found.truth, found.answers).items():
                _draw(panel, each, pool)
            panel.axhline(WANTED, color=DARK, linestyle=":", linewidth=1)
            panel.set_xlabel("coverage: share of targets and draws that get an answer")
            panel.set_ylabel("share of answers that hurt")
            panel.set_xlim(0, 1.02)
            panel.set_ylim(bottom=0)
            panel.grid(axis="y")
            panel.set_title(f"{found.setting} probe, {found.regime}")
            panel.legend()
        frame(
            figure,
            "How often does a recommended source hurt? Risk against coverage (lower is better)",
            "Answers are given from the most probable gain down. An answer hurts where the recommended source's mean "
            "test accuracy is below the initial state's. Dots: the default threshold, a gain as probable as "
            f"{THRESHOLD:g}. Dotted: {WANTED:.0%}.",
        )
    return figure


def _draw(axes: Axes, found: Choices, pool: str) -> None:
    """Draw the curve of a pool."""
    coverage, risk = found.curve()
    axes.step(coverage, risk, where="post", color=COLOURS[pool], label=LABELS[pool])
    here = found.at(THRESHOLD)
    if np.isfinite(here["risk"]):
        axes.plot(here["coverage"], here["risk"], "o", color=COLOURS[pool], clip_on=False)
