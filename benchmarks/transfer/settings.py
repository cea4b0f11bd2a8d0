"""Tasks, probes and regimes of the transfer benchmark."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from taskzoo.params import DatasetParams, ProbeParams, Section, SizeParams, SplitParams, TaskParams, TrainParams
from taskzoo.probe.training import Recipe

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results/transfer"
ROOT = HERE.parents[1]
CACHE = ROOT / ".taskzoo/transfer"
UNSEEN = CACHE / "unseen"  # Where benchmarks.transfer.unseen puts what it makes.
SPLIT = SplitParams(val=0.35, test=0.3)
REPEATS = 2  # Trainings of a source; draw d of a target starts from training d modulo this.
DRAWS = 4
SCORED_DRAWS = 2  # Of which the measures see the images: they vary less between draws than between targets.
SEED = 0
DATA = "TASKZOO_DATA"
PROBES = ("small", "pretrained")
OUT_OF_SIGHT = "unseen"  # Of a setting with a probe's name: the targets of data sets that were.
REGIMES = ("few10", "linear", "few50", "full")
# Of which regime the measures see the images: 50 a class stand for a whole pool, too.
SEEN = {"few10": "few10", "linear": "few50", "few50": "few50", "full": "few50"}


class Zoo(Section):
    """The tasks of the benchmark, and their data sets; of some, none was looked at while the recommender was made."""

    datasets: dict[str, DatasetParams]
    unseen: dict[str, DatasetParams]
    tasks: dict[str, TaskParams]

    def names(self, unseen: bool) -> list[str]:
        """Return the tasks of the data sets that were looked at, or of the others."""
        return [name for name, task in self.tasks.items() if (task.dataset in self.unseen) == unseen]


@dataclass(frozen=True)
class Regime:
    """How a target learns from a source.

    Attributes:
        images: A class, of the pool; None for the whole pool.
        steps: Of fine-tuning; None for a head on frozen features.
    """

    images: int | None
    steps: int | None


@dataclass(frozen=True)
class Setting:
    """A probe, how its sources are trained, and how targets learn.

    Attributes:
        name: Of the probe.
        targets: Tasks that learn.
        sources: Tasks that they learn from, themselves left out.
        probe: Network, weights and input form.
        training: Recipe of the sources.
        sizes: Images of each split.
        regimes: By name.
        batch_size: Of fine-tuning.
        learning_rate: Of fine-tuning, one for all: chosen beforehand, on pool images, in an earlier experiment.
    """

    name: str
    targets: Sequence[str]
    sources: Sequence[str]
    probe: ProbeParams
    training: TrainParams
    sizes: SizeParams
    regimes: Mapping[str, Regime]
    batch_size: int
    learning_rate: float

    def recipe(self, regime: Regime) -> Recipe:
        """Return the recipe of a regime that fine-tunes."""
        assert regime.steps is not None
        frozen = self.training.batch_norm == "frozen"
        return Recipe(regime.steps, self.batch_size, self.learning_rate, self.training.weight_decay, frozen)


@cache
def zoo() -> Zoo:
    """Return the tasks of the benchmark."""
    return Zoo.model_validate(yaml.safe_load((HERE / "zoo.yaml").read_text()))


def data() -> Path:
    """Return the folder of the raw data: ``TASKZOO_DATA``."""
    found = os.environ.get(DATA)
    if not found:
        raise SystemExit("TASKZOO_DATA is not set; expected the folder with the benchmark's data sets; set it.")
    return Path(found)


@cache
def settings() -> dict[str, Setting]:
    """Return the two probes: a small random network, and the pretrained one that users have; each again as unseen.

    Its targets there are the tasks of the unseen data sets, its sources all tasks.
    """
    seen = zoo().names(unseen=False)
    small = Setting(
        name="small",
        targets=seen,
        sources=seen,
        probe=ProbeParams(backbone="test_resnet", image_size=32),
        training=TrainParams(repeats=REPEATS, steps=300, batch_size=64, learning_rate=2e-3),
        sizes=SizeParams(train=2000, val=2000, test=1000),
        regimes={
            "few10": Regime(10, 60),
            "few50": Regime(50, 150),
            "linear": Regime(50, None),
            "full": Regime(None, 300),
        },
        batch_size=32,
        learning_rate=3e-3,
    )
    pretrained = Setting(
        name="pretrained",
        targets=seen,
        sources=seen,
        probe=ProbeParams(
            backbone="tf_efficientnet_lite0",
            weights=f"{os.environ.get(DATA)}/tf_efficientnet_lite0.in1k.safetensors",
            image_size=64,
        ),
        training=TrainParams(repeats=REPEATS, steps=60, batch_size=32, learning_rate=3e-4, batch_norm="frozen"),
        sizes=SizeParams(train=2000, val=2000, test=500),
        regimes={
            "few10": Regime(10, 30),
            "few50": Regime(50, 75),
            "linear": Regime(50, None),
            "full": Regime(None, 150),
        },
        batch_size=16,
        learning_rate=3e-4,
    )
    probes = dict(zip(PROBES, (small, pretrained), strict=True))
    new, every = zoo().names(unseen=True), list(zoo().tasks)
    return probes | {
        f"{name}-{OUT_OF_SIGHT}": replace(probe, targets=new, sources=every) for name, probe in probes.items()
    }
