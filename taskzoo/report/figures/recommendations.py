"""How close every source of a target is beside no transfer, and which ones are recommended."""

from collections.abc import Sequence
from statistics import mean

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskzoo.recommend.recommendation import Candidate, Recommendation
from taskzoo.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    VERMILLION,
    frame,
    house_style,
    panels,
    short,
)

UNRESOLVED = "#C4C4C4"


def recommendation_figure(recommendations: Sequence[Recommendation]) -> Figure:
    """Draw one panel a target: bars from no transfer to each source, with 90 % intervals and single repeats.

    Args:
        recommendations: At least one.

    Returns:
        The figure.
    """
    first = recommendations[0]
    rows = max(len(recommendation.candidates) for recommendation in recommendations)
    with house_style():
        figure, axes = panels(len(recommendations), 4, 4.7, 0.3 * rows + 1.5)
        for panel, recommendation in zip(axes, recommendations, strict=True):
            _draw_target(panel, recommendation)
        measures = " or ".join(dict.fromkeys(each.measure for each in recommendations))
        answered = sum(bool(recommendation.recommended) for recommendation in recommendations)
        frame(
            figure,
            f"Which source for which target? {measures} against no transfer",
            f"Best source first: by {measures}, beside it by {first.parts()}, and by the source's number of classes. "
            "Bars start at no transfer (dashed); whiskers: 90 % interval of the mean over "
            f"{len(first.candidates[0].values)} repeats (noise pooled over the panel's sources), dots: single repeats. "
            "Dotted: the target itself, trained "
            "anew, and its labels permuted. P: probability of beating no transfer, "
            f"from what transfers on record gained; recommended from P ≥ {first.confidence:g}. Answered: {answered} of "
            f"{len(recommendations)} targets.",
            _legend(),
        )
    return figure


def _draw_target(axes: Axes, recommendation: Recommendation) -> None:
    """Draw the ranking of one target, the best source on top."""
    candidates = recommendation.candidates
    start = recommendation.start.mean
    for row, candidate in enumerate(candidates):
        colour = _colour(candidate, recommendation)
        axes.barh(row, candidate.mean - start, left=start, height=0.68, color=colour, alpha=0.85)
        axes.plot([candidate.low, candidate.high], [row, row], color=DARK, linewidth=1.6, solid_capstyle="butt")
        axes.plot(candidate.mean, row, "|", color=DARK, markersize=8)
        axes.plot(candidate.values, [row] * len(candidate.values), ".", color=DARK, markersize=4.5)
        axes.annotate(
            f"P {_probability(candidate.probability_gain)}",
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=DARK,
        )
    axes.axvline(start, color=VERMILLION, linestyle="--", linewidth=1.3, zorder=0.5)
    for values, colour in ((recommendation.references.itself, GREEN), (recommendation.references.chance, DARK)):
        if values:
            axes.axvline(mean(values), color=colour, linestyle=":", linewidth=1.3, zorder=0.5)
    axes.set_yticks(range(len(candidates)), [short(candidate.source) for candidate in candidates])
    for label, candidate in zip(axes.get_yticklabels(), candidates, strict=True):
        if candidate.source in recommendation.recommended:
            label.set(fontweight="bold", color=BLUE)
    axes.set_ylim(len(candidates) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    arrow = "← closer" if recommendation.lower_is_closer else "closer →"
    axes.set_xlabel(f"{recommendation.measure}   ({arrow})")
    axes.set_title(f"{recommendation.target}\n{_answer(recommendation)}")


def _answer(recommendation: Recommendation) -> str:
    """Return the recommendation in a few words."""
    if not recommendation.recommended:
        return "abstains: no source is likely to help"
    more = len(recommendation.recommended) - 1
    return f"from {recommendation.recommended[0]}" + (f" (and {more} more)" if more else "")


def _probability(value: float) -> str:
    """Return a probability in print, without claiming certainty."""
    if value > 0.99:
        return ">0.99"
    return "<0.01" if value < 0.01 else f"{value:.2f}"


def _colour(candidate: Candidate, recommendation: Recommendation) -> str:
    """Return a colour for recommended sources; grey for the others."""
    return BLUE if candidate.source in recommendation.recommended else UNRESOLVED


def _legend() -> list[Artist]:
    """Return what explains colours and marks once for all panels."""
    return [
        Patch(color=BLUE, alpha=0.85, label="recommended"),
        Patch(color=UNRESOLVED, alpha=0.85, label="others"),
        Line2D([], [], color=VERMILLION, linestyle="--", label="no transfer"),
        Line2D([], [], color=GREEN, linestyle=":", label="itself"),
        Line2D([], [], color=DARK, linestyle=":", label="permuted"),
    ]
