"""Draw the figures and write the tables: report/."""

from pathlib import Path

from taskzoo.distance.matrix import Distances
from taskzoo.entry import stage
from taskzoo.params import load_params
from taskzoo.recommend.advice import load_advice
from taskzoo.records import read_json
from taskzoo.registry.store import Registry
from taskzoo.report.build import build_report
from taskzoo.workflow.stored import StoredComparison
from taskzoo.workflow.workspace import COMPARISONS, DISTANCES, RECOMMENDATIONS, REPORT


def report() -> None:
    """Draw and tabulate what was found; log the same figures, and every transfer, to MLflow."""
    tasks = load_params().tasks
    names = list(tasks)
    advice = [load_advice(RECOMMENDATIONS / f"{name}.json") for name in names]
    compared = [read_json(COMPARISONS / f"{name}.json", StoredComparison, "compare") for name in names]
    distances = read_json(DISTANCES, Distances, "distances")
    files = build_report(
        distances,
        [each.recommendation for each in advice],
        [each.comparison for each in compared],
        REPORT,
    )
    registry = Registry(None, Path())
    registry.log_report(REPORT)
    for name, said, found in zip(names, advice, compared, strict=True):
        transfers = found.comparison.transfers
        registry.log_recommendation(distances.fingerprint, said, transfers, tasks[name].dataset)
    print(f"report/: {len(files)} files")


if __name__ == "__main__":
    stage(report)
