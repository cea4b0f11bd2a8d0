"""How long fine-tuning is, to the Fisher kernel: ``python -m benchmarks.transfer.penalties``.

The evidence, and the best of leave-one-out, choose how strongly a kernel regression is penalised by how well it fits
the labels, as if fine-tuning went on until it fits them best. A few steps do not: gradient descent from a new head
stops early, which is regression at a penalty that falls with the number of steps. So this asks which fixed penalty
predicts each regime. It measures what is missing in ``benchmarks/results/transfer/penalties``; the page is that of
``python -m benchmarks.transfer --summary``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.measuring import measure_missing
from benchmarks.transfer.scores import sources
from benchmarks.transfer.settings import REPEATS, RESULTS, settings
from benchmarks.transfer.truth import chosen, key
from benchmarks.transfer.view import DIFFERENTIATED, DIRECTIONS, first
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.kernel_regression import NOISE, loo_r2, unit
from taskzoo.distance.transferability.arrays import Array, one_hot
from taskzoo.files import digest_json
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.probe.network import device, normalise

EVERY = slice(12, 26, 2)  # Of the penalties that the measures try: 0.01 to 100.
PENALTIES = [f"{penalty:.3g}" for penalty in NOISE[EVERY]]
COLUMNS = ("key", "target", "source", "draw", *PENALTIES)
ENVIRONMENTS = RESULTS / "penalties/environments.json"


def at_penalties(setting: str, source: str, repeat: int, few: TaskSplit, classes: int) -> Array:
    """Return the leave-one-out R^2 of the labels under the product's kernel at every penalty of PENALTIES."""
    network = inputs.network(setting, classes, inputs.state(setting, source, repeat)).eval()
    images = normalise(few.images, settings()[setting].probe).to(device())
    features, grams = feature_grams(network.backbone, images, DIRECTIONS)
    rows_of = features.double().numpy()
    kernel = unit(rows_of @ rows_of.T) + unit(alike(grams, len(images)).numpy())
    return np.broadcast_to(loo_r2(kernel, one_hot(few.labels, classes)), NOISE.shape)[EVERY]


def path_of(setting: str, regime: str) -> Path:
    """Return the file of the R^2 on the images of a regime."""
    return RESULTS / "penalties" / f"{setting}-{regime}.csv"


def table(setting: str, regime: str) -> pd.DataFrame:
    """Return the results so far, one row a target, source and draw."""
    return rows.read(path_of(setting, regime), COLUMNS)


def missing(setting: str, regime: str, draws: int) -> Iterator[tuple[str, str, str, int]]:
    """Yield targets and draws that lack a source; draws change slowest."""
    done = set(table(setting, regime)["key"])
    for draw in range(draws):
        for target in settings()[setting].targets:
            if any(key_of(setting, regime, target, source, draw) not in done for source in sources(setting, target)):
                yield setting, regime, target, draw


def key_of(setting: str, regime: str, target: str, source: str, draw: int) -> str:
    """Return a hash of all that a result depends on."""
    return digest_json([key(setting, regime, target, source, draw), DIFFERENTIATED, DIRECTIONS, PENALTIES])[:12]


def measure(setting: str, regime: str, target: str, draw: int) -> None:
    """Measure all sources on the images of one draw."""
    task, how = inputs.task(setting, target), settings()[setting].regimes[regime]
    few, found = first(chosen(task.val, how, draw)), []
    for source in sources(setting, target):
        values = at_penalties(setting, source, draw % REPEATS, few, len(task.classes))
        told = [f"{value:.4f}" for value in values]
        found.append((key_of(setting, regime, target, source, draw), target, source, draw, *told))
    rows.append(path_of(setting, regime), COLUMNS, found)


def main() -> None:
    """Measure what is missing."""
    measure_missing(measure, missing, ENVIRONMENTS, __doc__)


if __name__ == "__main__":
    main()
