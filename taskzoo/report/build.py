"""All figures and tables of a run in one folder."""

from collections.abc import Sequence
from pathlib import Path

from taskzoo.distance.matrix import Distances
from taskzoo.files import new_folder, write_json
from taskzoo.recommend.comparison import Comparison
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.report.figures.comparison import comparison_figure
from taskzoo.report.figures.distances import distance_figure
from taskzoo.report.figures.recommendations import recommendation_figure
from taskzoo.report.figures.search import search_figure
from taskzoo.report.figures.style import save_png
from taskzoo.report.tables import (
    comparison_table,
    headline_metrics,
    recommendation_table,
    search_table,
    write_csv,
)


def build_report(
    distances: Distances,
    recommendations: Sequence[Recommendation],
    comparisons: Sequence[Comparison],
    out: Path,
) -> list[Path]:
    """Write every figure and table that the results allow; the folder is replaced as a whole.

    Args:
        distances: All measures of all pairs.
        recommendations: One a target; none leaves out their figure and table.
        comparisons: None, or one a target; without transfers or trials their figure and table are left out.
        out: Folder to make or replace.

    Returns:
        The files, by name.
    """
    with new_folder(out) as folder:
        write_csv(folder / "distances.csv", distances.table())
        for measure in distances.values:
            save_png(distance_figure(distances, measure), folder / f"distances-{measure}.png")
        if recommendations:
            write_csv(folder / "recommendations.csv", recommendation_table(recommendations))
            save_png(recommendation_figure(recommendations), folder / "recommendations.png")
        _write_comparisons(recommendations, comparisons, folder)
        write_json(folder / "metrics.json", headline_metrics(recommendations, comparisons))
    return sorted(path for path in out.iterdir())


def _write_comparisons(
    recommendations: Sequence[Recommendation], comparisons: Sequence[Comparison], folder: Path
) -> None:
    """Write what the comparisons hold: transfers, searches, both or nothing."""
    abstained = {recommendation.target for recommendation in recommendations if not recommendation.recommended}
    transferred = [comparison for comparison in comparisons if comparison.transfers]
    searched = [comparison for comparison in comparisons if comparison.trials]
    if transferred:
        write_csv(folder / "comparison.csv", comparison_table(transferred))
        save_png(comparison_figure(transferred, abstained), folder / "comparison.png")
    if searched:
        write_csv(folder / "search.csv", search_table(searched))
        save_png(search_figure(searched), folder / "search.png")
