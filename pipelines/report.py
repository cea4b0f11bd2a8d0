"""Draw the figures and write the tables: report/."""

from pathlib import Path

from taskzoo.distance.matrix import Distances
from taskzoo.entry import stage
from taskzoo.params import load_params
from taskzoo.recommend.advice import load_advice
from taskzoo.registry.records import read_json
from taskzoo.registry.store import Registry
from taskzoo.report.build import build_report
from taskzoo.workflow.stored import StoredComparison


def report() -> None:
    """Draw and tabulate distances, recommendations and comparisons; log the same figures to MLflow."""
    names = list(load_params().tasks)
    distances = read_json(Path("distances/distances.json"), Distances)
    advice = [load_advice(Path("recommendations") / f"{name}.json") for name in names]
    compared = [read_json(Path("comparisons") / f"{name}.json", StoredComparison) for name in names]
    files = build_report(
        distances,
        [each.recommendation for each in advice],
        [each.comparison for each in compared],
        Path("report"),
    )
    Registry(None, Path()).log_report(Path("report"))
    print(f"report/: {len(files)} files")


if __name__ == "__main__":
    stage(report)
