"""The report folder as a whole."""

import json
from pathlib import Path

from PIL import Image

from taskzoo.recommend.comparison import Comparison
from taskzoo.report.build import build_report
from tests.report.examples import SCALES, make_comparisons, make_distances, make_recommendations

HEATMAPS = {f"distances-{measure}.png" for measure in SCALES}
OTHERS = {
    "distances.csv",
    "recommendations.csv",
    "recommendations.png",
    "comparison.csv",
    "comparison.png",
    "search.csv",
    "search.png",
    "metrics.json",
}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_report_is_complete_and_the_same_bytes_twice(tmp_path: Path) -> None:
    distances = make_distances(3)
    recommendations, comparisons = make_recommendations(distances), make_comparisons(distances.tasks)
    files = build_report(distances, recommendations, comparisons, tmp_path / "a")
    build_report(distances, recommendations, comparisons, tmp_path / "b")
    assert {path.name for path in files} == HEATMAPS | OTHERS
    assert all(path.parent == tmp_path / "a" and path.is_file() for path in files)
    assert _contents(tmp_path / "a") == _contents(tmp_path / "b")
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.verify()
                assert not picture.info.keys() & {"Software", "Creation Time"}


def test_a_new_report_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "stale.png").write_bytes(b"old")
    build_report(make_distances(2), [], [], tmp_path / "report")
    assert set(_contents(tmp_path / "report")) == HEATMAPS | {"distances.csv", "metrics.json"}


def test_parts_without_results_are_left_out(tmp_path: Path) -> None:
    distances = make_distances(2)
    whole = make_comparisons(distances.tasks)
    bare = [Comparison(target=one.target, transfers=one.transfers, trials=[]) for one in whole]
    recommendations = make_recommendations(distances)
    build_report(distances, recommendations, bare, tmp_path / "report")
    names = set(_contents(tmp_path / "report"))
    assert "comparison.png" in names
    assert not names & {"search.png", "search.csv"}
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert metrics["targets"] == 2
    assert metrics["answered"] == sum(bool(one.recommended) for one in recommendations)
    assert not [name for name in metrics if name.startswith("search.")]
