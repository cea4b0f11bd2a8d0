"""What the figures say, read back from the drawn objects."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.report.figures.comparison import comparison_figure
from taskzoo.report.figures.distances import distance_figure
from taskzoo.report.figures.recommendations import recommendation_figure
from taskzoo.report.figures.search import search_figure
from taskzoo.report.figures.style import BLUE, VERMILLION, save_png
from tests.report.examples import SCALES, make_comparisons, make_distances, make_recommendations


def _words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


def _frames(axes: Axes) -> list[tuple[int, int]]:
    """Return (column, row) of the marked cells."""
    return [
        (round(patch.get_x()), round(patch.get_y()))
        for patch in axes.patches
        if isinstance(patch, Rectangle) and not patch.get_fill() and to_hex(patch.get_edgecolor()) == VERMILLION.lower()
    ]


@pytest.mark.parametrize("measure", sorted(SCALES))
def test_frames_mark_the_closest_other_source(measure: str) -> None:
    distances = make_distances(5)
    mean = distances.mean(measure)
    for name in mean.columns:
        mean.loc[name, name] = np.nan
    best = mean.idxmin() if distances.facts[measure].lower_is_closer else mean.idxmax()
    rows = list(mean.index)
    expected = [(column, rows.index(source)) for column, source in enumerate(best)]
    axes = distance_figure(distances, measure).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    yardsticks = ["itself, anew", *(["permuted labels"] if distances.facts[measure].needs_labels else [])]
    assert labels[len(rows) - 1 :] == [NO_TRANSFER, *yardsticks]
    assert _frames(axes) == expected


def test_cells_show_mean_and_spread() -> None:
    distances = make_distances(3)
    values = distances.values["ridge_loo"]["mnist-ten"]["mnist-is-0"]
    expected = f"{np.mean(values):.2f}\n±{np.std(values, ddof=1):.2f}"
    assert expected in [text.get_text() for text in distance_figure(distances, "ridge_loo").axes[0].texts]


def test_title_tells_direction_and_caption_counts_repeats() -> None:
    distances = make_distances(3, repeats=4)
    assert "lower is closer" in _words(distance_figure(distances, "ftd"))
    assert "higher is closer" in _words(distance_figure(distances, "ridge_loo"))
    assert "4 repeats" in _words(distance_figure(distances, "ftd"))


def test_small_numbers_get_a_unit() -> None:
    axes = distance_figure(make_distances(3), "ftd_reference_squared").axes[0]
    assert "10^{-6}" in axes.get_title(loc="left")
    assert not [text for text in axes.texts if "e-" in text.get_text()]


def test_asymmetry_shows_each_pair_once() -> None:
    distances = make_distances(4)
    values = distances.values["ftd"]
    difference = np.mean(values["mnist-is-0"]["mnist-ten"]) - np.mean(values["mnist-ten"]["mnist-is-0"])
    texts = [text.get_text() for text in distance_figure(distances, "ftd").axes[1].texts]
    assert len([text for text in texts if "±" in text]) == 6
    assert texts[0].split("\n")[0].replace("−", "-") == f"{difference:+.3f}"


def test_a_new_target_has_no_asymmetry_panel() -> None:
    figure = distance_figure(make_distances(4, targets=["new"]), "ftd")
    assert "Asymmetry" not in " ".join(axes.get_title(loc="left") for axes in figure.axes)


def test_one_repeat_claims_no_spread() -> None:
    texts = distance_figure(make_distances(3, repeats=1), "ftd").axes[0].texts
    assert texts
    assert not [text for text in texts if "±" in text.get_text()]


def test_recommended_bars_are_blue_and_abstention_is_said() -> None:
    recommendations = make_recommendations(make_distances(6))
    figure = recommendation_figure(recommendations)
    assert {bool(one.recommended) for one in recommendations} == {True, False}, "the example must show both"
    for axes, one in zip(figure.axes, recommendations, strict=True):
        blue = [to_hex(patch.get_facecolor()) == BLUE.lower() for patch in axes.patches]
        assert blue == [row.source in one.recommended for row in one.candidates]
        assert ("abstains" in axes.get_title(loc="left")) == (not one.recommended)


@pytest.mark.parametrize(("by", "arrow"), [("ftd", "← closer"), ("ridge_loo", "closer →")])
def test_the_axis_points_to_closer(by: str, arrow: str) -> None:
    figure = recommendation_figure(make_recommendations(make_distances(4), by)[:1])
    assert arrow in figure.axes[0].get_xlabel()


def test_bars_start_at_no_transfer() -> None:
    one = make_recommendations(make_distances(4))[0]
    axes = recommendation_figure([one]).axes[0]
    start = one.start.mean
    for patch, row in zip(axes.patches, one.candidates, strict=True):
        assert isinstance(patch, Rectangle)
        assert patch.get_x() == pytest.approx(start)
        assert patch.get_x() + patch.get_width() == pytest.approx(row.mean)


def test_comparison_marks_abstained_targets_and_draws_every_arm() -> None:
    comparisons = make_comparisons(["a", "b"])
    left = comparison_figure(comparisons, {"b"}).axes[0]
    assert [label.get_text() for label in left.get_xticklabels()] == ["a", "b\n(abstained)"]
    heights = [patch.get_height() for patch in left.patches if isinstance(patch, Rectangle)]
    expected = [np.mean(c.transfers[arm].accuracies) for arm in range(4) for c in comparisons]
    assert heights == pytest.approx(expected)


def test_search_has_a_panel_per_target_and_strategy() -> None:
    figure = search_figure(make_comparisons(["a", "b"]))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["a: fuse", "a: random", "b: fuse", "b: random"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert "2 searches" in _words(figure)


@pytest.mark.parametrize("tasks", [8, 12])
def test_text_stays_inside_the_picture(tasks: int) -> None:
    distances = make_distances(tasks)
    for figure in (
        distance_figure(distances, "ftd"),
        recommendation_figure(make_recommendations(distances)),
        comparison_figure(make_comparisons(distances.tasks), ()),
    ):
        figure.draw_without_rendering()
        page = figure.bbox
        for text in [*figure.texts, *(label for axes in figure.axes for label in axes.get_yticklabels())]:
            box = text.get_window_extent()
            assert page.x0 <= box.x0
            assert box.x1 <= page.x1
            assert page.y0 <= box.y0
            assert box.y1 <= page.y1


def test_png_is_the_same_whatever_the_users_settings(tmp_path: Path) -> None:
    distances = make_distances(3)
    save_png(distance_figure(distances, "ftd"), tmp_path / "a.png")
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 30, "axes.facecolor": "black"}):
        save_png(distance_figure(distances, "ftd"), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
