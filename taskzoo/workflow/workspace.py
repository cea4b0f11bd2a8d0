"""Where the stages of `dvc repro` leave what, relative to the project's folder."""

from collections.abc import Sequence
from pathlib import Path

from taskzoo.data.dense.tasks import load_dense_task
from taskzoo.data.record import SPLITS, Split
from taskzoo.data.tasks import load_task
from taskzoo.params import Params, TaskParams
from taskzoo.probe.forms import AnyTask

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


def load_named_task(name: str, params: Params, splits: Sequence[Split] = SPLITS) -> AnyTask:
    """Load a task of params.yaml with the splits that are asked for."""
    spec = params.tasks[name]
    return load_any_task(name, spec, DATA / spec.dataset, params, splits)


def load_any_task(name: str, spec: TaskParams, folder: Path, params: Params, splits: Sequence[Split]) -> AnyTask:
    """Load a task of classes, or a dense one where a target is named.

    Args:
        name: The task.
        spec: Its label map or target.
        folder: Of its data set.
        params: Sizes, image size and seed.
        splits: Which.

    Returns:
        The task.
    """
    load = load_task if spec.target is None else load_dense_task
    return load(name, spec, folder, params.sizes, params.probe.image_size, params.seed, splits)
