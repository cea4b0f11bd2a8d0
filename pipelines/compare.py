"""Measure what each recommendation is worth beside its controls: comparisons/<task>.json."""

from taskzoo.entry import stage
from taskzoo.files import remove_others
from taskzoo.parallel import run_jobs
from taskzoo.params import load_params
from taskzoo.workflow.stored import compare_stored
from taskzoo.workflow.workspace import COMPARISONS


def compare() -> None:
    """Compare every target whose advice, data or sources changed; keep the others."""
    params = load_params()
    remove_others(COMPARISONS, [f"{name}.json" for name in params.tasks])
    run_jobs(compare_stored, [(name, params) for name in params.tasks], "compare", 2 * params.search.trainings)


if __name__ == "__main__":
    stage(compare)
