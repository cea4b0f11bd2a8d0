"""The obvious and costly alternative to a measure: ``python -m benchmarks.transfer.cross_validated``.

A target is fine-tuned from every source on three quarters of its few images and judged on the fourth, four times. It
measures what is missing in ``benchmarks/results/transfer/cross_validated``; the page is that of ``python -m
benchmarks.transfer --summary``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn import functional

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.measuring import measure_missing
from benchmarks.transfer.scores import sources
from benchmarks.transfer.settings import REPEATS, RESULTS, settings
from benchmarks.transfer.truth import chosen, key, learned
from taskzoo.data.tasks import TaskSplit
from taskzoo.files import digest_json
from taskzoo.probe.forms import tensors
from taskzoo.probe.training import in_batches

FOLDS = 4
NAMES = ("cross_validated", "cross_validated_likelihood")
COLUMNS = ("key", "target", "source", "draw", *NAMES)
ENVIRONMENTS = RESULTS / "cross_validated/environments.json"


def path_of(setting: str, regime: str) -> Path:
    """Return the file of a regime's results."""
    return RESULTS / "cross_validated" / f"{setting}-{regime}.csv"


def table(setting: str, regime: str) -> pd.DataFrame:
    """Return the results so far, one row a target, source and draw."""
    return rows.read(path_of(setting, regime), COLUMNS)


def missing(setting: str, regime: str, draws: int) -> Iterator[tuple[str, str, str, str, int]]:
    """Yield what is not done; draws change slowest."""
    done = set(table(setting, regime)["key"])
    for draw in range(draws):
        for target in settings()[setting].targets:
            for source in sources(setting, target):
                if key_of(setting, regime, target, source, draw) not in done:
                    yield setting, regime, target, source, draw


def key_of(setting: str, regime: str, target: str, source: str, draw: int) -> str:
    """Return a hash of all that a result depends on."""
    return digest_json([key(setting, regime, target, source, draw), FOLDS])[:12]


def measure(setting: str, regime: str, target: str, source: str, draw: int) -> None:
    """Cross-validate one source on the images of one draw, and keep what comes out."""
    task, how = inputs.task(setting, target), settings()[setting].regimes[regime]
    found = cross_validated(setting, regime, source, chosen(task.val, how, draw), len(task.classes), draw)
    line = (key_of(setting, regime, target, source, draw), target, source, draw, *(f"{one:.6g}" for one in found))
    rows.append(path_of(setting, regime), COLUMNS, [line])


def cross_validated(
    setting: str, regime: str, source: str, few: TaskSplit, classes: int, draw: int
) -> tuple[float, float]:
    """Return the accuracy and the mean log-likelihood of images that fine-tuning did not see."""
    params, state = settings()[setting], inputs.state(setting, source, draw % REPEATS)
    images, labels = tensors(few, params.probe)
    logits = torch.zeros(len(labels), classes)
    parts = folds(few.labels, draw)
    for fold in range(FOLDS):
        seen = TaskSplit(few.images[parts != fold], few.labels[parts != fold])
        network = learned(setting, params.regimes[regime], state, seen, classes, draw)
        logits[parts == fold] = in_batches(network, images[parts == fold])
    accuracy = (logits.argmax(1) == labels).float().mean().item()
    return accuracy, -functional.cross_entropy(logits, labels).item()


def folds(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each image: every class is spread over all of them, as evenly as it goes."""
    rng = np.random.default_rng(seed)
    out = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        out[members] = (np.arange(len(members)) + label) % FOLDS
    return out


def main() -> None:
    """Measure what is missing."""
    measure_missing(measure, missing, ENVIRONMENTS, __doc__, ["few10"])


if __name__ == "__main__":
    main()
