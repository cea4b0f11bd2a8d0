"""Where the stages of `dvc repro` leave what, relative to the project's folder."""

from collections.abc import Sequence
from pathlib import Path

from taskzoo.data.record import SPLITS, Split
from taskzoo.data.tasks import Task, load_task
from taskzoo.params import Params

DATA = Path("data")
VALIDATION = Path("validation")
PROBES = Path("probes")
FISHERS = Path("fishers")
DISTANCES = Path("distances/distances.json")
SEARCHES = Path("searches")
PACKAGES = Path("packages")
RECEIPTS = Path("receipts")
RECOMMENDATIONS = Path("recommendations")
COMPARISONS = Path("comparisons")
REPORT = Path("report")
TARGETS = Path("targets")
UNFINISHED = Path(".taskzoo/searching")  # What interrupted searches have done.


def probe_paths(task: str, params: Params) -> list[Path]:
    """Return a task's probe files, one a repeat."""
    return [PROBES / task / f"{repeat}.safetensors" for repeat in range(params.train.repeats)]


def load_named_task(name: str, params: Params, splits: Sequence[Split] = SPLITS) -> Task:
    """Load a task of params.yaml with the splits that are asked for."""
    spec = params.tasks[name]
    folder = DATA / spec.dataset
    return load_task(name, spec, folder, params.sizes, params.probe.image_size, params.seed, splits)
