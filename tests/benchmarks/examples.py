"""Images and truths for tests of the benchmarks."""

import numpy as np

from benchmarks.transfer.metrics import Array, Truth
from benchmarks.transfer.settings import settings
from taskzoo.data.tasks import TaskSplit
from taskzoo.fisher.pairs import NO_TRANSFER

SETTING = settings()["small"]
NAMES = list(SETTING.targets)
SOURCES = [*NAMES, NO_TRANSFER]
SIZE = len(NAMES)


def bright(count: int, classes: int, step: int) -> TaskSplit:
    """Return noisy images whose brightness tells their class, by so much from one class to the next."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    images = step * labels[:, None, None, None] + rng.integers(0, 60, (count, 3, 32, 32))
    return TaskSplit(images.astype(np.uint8), labels)


def truth(values: Array) -> Truth:
    """Return a truth over all tasks of the zoo; a task is no source of itself."""
    values = values.copy()
    values[np.arange(SIZE), np.arange(SIZE)] = np.nan
    return Truth(NAMES, SOURCES, values)


def made(source: float, interaction: float, noise: float, draws: int = 4, seed: int = 0) -> Truth:
    """Return accuracies of given standard deviations."""
    rng = np.random.default_rng(seed)
    cells = rng.normal(0, source, (1, SIZE + 1)) + rng.normal(0, interaction, (SIZE, SIZE + 1))
    return truth(cells[..., None] + rng.normal(0, noise, (SIZE, SIZE + 1, draws)))
