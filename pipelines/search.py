"""Search the full space for every task and train what was found: searches/<task>."""

import json

from taskzoo.entry import stage
from taskzoo.files import remove_others
from taskzoo.parallel import run_jobs
from taskzoo.params import load_params
from taskzoo.search.tuning import METRICS
from taskzoo.workflow.stored import search_stored
from taskzoo.workflow.workspace import SEARCHES


def search() -> None:
    """Search for every task on the trunk of its own probe; choose on validation images, test once."""
    params = load_params()
    remove_others(SEARCHES, params.tasks)
    run_jobs(search_stored, [(name, params) for name in params.tasks], "search", params.search.trainings)
    for name in params.tasks:
        metrics = json.loads((SEARCHES / name / METRICS).read_text())
        print(f"{name}: test accuracy {metrics['tuned_test_accuracy']:.3f}, {metrics['parameters']:,.0f} parameters")


if __name__ == "__main__":
    stage(search)
