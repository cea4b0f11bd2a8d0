"""What a measure costs beside fine-tuning: seconds of a source, and passes over the target's few images."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environment import environment
from benchmarks.transfer.measures import NAMES
from benchmarks.transfer.settings import RESULTS
from benchmarks.transfer.timing import PASSES, needed, time_pair
from taskzoo.files import write_json
from taskzoo.parallel import run_jobs

# Target and source; every data set is once each.
PAIRS = (
    ("cifar-ten", "mnist-ten"),
    ("mnist-low", "digits-ten"),
    ("digits-parity", "houses-rooms"),
    ("houses-rooms", "blood-cells"),
    ("blood-cells", "cifar-animals"),
)


@dataclass(frozen=True)
class Costs:
    """Medians over pairs of target and source.

    Attributes:
        seconds: Of a source, by measure.
        fine_tuning: Seconds of learning the target from one source, without the test.
        fine_tuning_passes: Forward and backward, over the target's images.
        own_network: Seconds, once a target, of the network that ftd and its like compare with.
        embedding: Seconds, once a target, of Task2Vec's embedding.
    """

    seconds: dict[str, float]
    fine_tuning: float
    fine_tuning_passes: float
    own_network: float
    embedding: float


def passes(name: str) -> str:
    """Return how many passes over the target's images a measure needs of each source."""
    return PASSES[needed(name)]


def path_of(setting: str, regime: str) -> Path:
    """Return the file of a regime's costs."""
    return RESULTS / "costs" / f"{setting}-{regime}.json"


def read(setting: str, regime: str) -> Costs | None:
    """Return the costs; None where they were not measured."""
    path = path_of(setting, regime)
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    seconds, others = ({name: median(values) for name, values in found[kind].items()} for kind in ("seconds", "others"))
    return Costs(seconds, **others)


def measure_costs(setting: str, regime: str) -> None:
    """Time all measures in one process of one thread, unless that was done with the same measures."""
    known = read(setting, regime)
    if known is None or set(known.seconds) != set(NAMES):
        run_jobs(time_pairs, [(setting, regime)], f"{setting} {regime} costs")


def time_pairs(setting: str, regime: str) -> None:
    """Time all pairs, after one that warms up, and keep what came out and where."""
    time_pair(setting, regime, *PAIRS[0])
    found: dict[str, Any] = {"environment": environment(), "pairs": PAIRS, "seconds": {}, "others": {}}
    for target, source in PAIRS:
        for kind, values in time_pair(setting, regime, target, source).items():
            for name, value in values.items():
                found[kind].setdefault(name, []).append(float(f"{value:.3g}"))
    write_json(path_of(setting, regime), found)
