"""Tasks, networks, recipes and sizes of this reproduction."""

import os
from functools import cache
from pathlib import Path

import yaml

from benchmarks.published.papers import papers
from taskzoo.data.store import build_dataset
from taskzoo.data.tasks import Task, load_task
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams, FisherParams, ProbeParams, Section, SizeParams, SplitParams, TaskParams
from taskzoo.probe.training import Recipe

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "benchmarks/results/published"
ENVIRONMENTS = RESULTS / "environments.json"
CACHE = ROOT / ".taskzoo/published"
DATA = "TASKZOO_DATA"
SEEDS = 10
IMAGE_SIZE = 32
# The papers' VGG-16, ResNet-18 and DenseNet-121 are far too large here, and timm has no small VGG or DenseNet.
FAMILIES = ("test_resnet", "test_byobnet", "test_efficientnet")
LD_FAMILY = "test_resnet"  # The product's default, chosen beforehand.
SPLIT = SplitParams(val=0.25, test=0.05)
# By data set. Recipes were chosen by the accuracy and time of single probes, before any distance was computed.
SIZES = {"mnist": SizeParams(train=1300, val=400), "cifar": SizeParams(train=5000, val=400)}
RECIPES = {"mnist": Recipe(100, 64, 5e-3), "cifar": Recipe(250, 64, 3e-3)}
EPS = {"mnist": 0.1, "cifar": 0.6}
REFERENCE_BATCH = {"mnist": 50, "cifar": 10}  # Of the authors' scripts, whose Fisher depends on it.
LD_BATCH, LD_FLOOR = 100, 1e-10  # Of the scripts of LD-NAS, the same for all data sets.
FISHER = FisherParams(images=400, head_images=300, kernel_images=4)


class Zoo(Section):
    """The papers' tasks."""

    datasets: dict[str, DatasetParams]
    tasks: dict[str, TaskParams]


@cache
def zoo() -> Zoo:
    """Return the papers' tasks."""
    return Zoo.model_validate(yaml.safe_load((HERE / "tasks.yaml").read_text()))


def probe_of(family: str, seed: int) -> ProbeParams:
    """Return the probe that all tasks share in a run."""
    return ProbeParams(backbone=family, image_size=IMAGE_SIZE, seed=seed)


def sets_of(family: str) -> list[str]:
    """Return the sets that a family measures: LD-NAS has one network."""
    return [name for name, paper in papers().items() if paper.measure == "ftd" or family == LD_FAMILY]


def pairs(family: str) -> list[tuple[str, str]]:
    """Return all (source, target) of a family's sets, each once, target by target."""
    found = {
        (source, target): None
        for name in sets_of(family)
        for target in papers()[name].tasks
        for source in papers()[name].tasks
        if source != target
    }
    order = list(zoo().tasks)
    return sorted(found, key=lambda pair: (order.index(pair[1]), order.index(pair[0])))


def build_datasets() -> None:
    """Bring the data sets into the product's form.

    Raises:
        InputError: If the folder of the raw data is not named.
    """
    root = os.environ.get(DATA)
    if not root:
        raise InputError(f"{DATA} is not set; expected the folder with MNIST and CIFAR-10; set it.")
    for name, params in zoo().datasets.items():
        if not (CACHE / name).exists():
            build_dataset(name, params.model_copy(update={"path": str(Path(root) / params.path)}), SPLIT, CACHE / name)


@cache
def load(name: str) -> Task:
    """Return a task with its training and validation images, the same in all runs, which draw from them."""
    params = zoo().tasks[name]
    return load_task(name, params, CACHE / params.dataset, SIZES[params.dataset], IMAGE_SIZE, 0, ("train", "val"))
