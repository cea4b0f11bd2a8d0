"""Small tasks whose classes differ in brightness."""

import numpy as np

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.params import ProbeParams

PROBE = ProbeParams(image_size=16)


def split(count: int, classes: int, seed: int) -> TaskSplit:
    """Draw a split of noise, brighter for higher classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = rng.integers(0, 100, (count, 3, PROBE.image_size, PROBE.image_size)) + 40 * labels[:, None, None, None]
    return TaskSplit(images.astype(np.uint8), labels.astype(np.int64))


def task(name: str, classes: int = 2, seed: int = 0) -> Task:
    """Make a task with train and val images."""
    return Task(
        name=name,
        classes=tuple(f"class {index}" for index in range(classes)),
        digest=f"digest of {name} {classes} {seed}",
        dataset_digest="data",
        splits={"train": split(60, classes, seed), "val": split(30, classes, seed + 1)},
    )
