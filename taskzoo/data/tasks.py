"""A task: some classes of a data set, balanced, as arrays of one size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from taskzoo.data.images import decode
from taskzoo.data.labels import LabelMap, label_map
from taskzoo.data.manifest import load_manifest
from taskzoo.data.record import SPLITS, Split
from taskzoo.data.store import load_split
from taskzoo.errors import InputError
from taskzoo.files import digest_bytes, digest_json
from taskzoo.params import SizeParams, TaskParams


@dataclass(frozen=True)
class TaskSplit:
    """Images and labels.

    Attributes:
        images: uint8 [N, 3, S, S].
        labels: int64 [N].
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


S = TypeVar("S")


class InSplits(Generic[S]):
    """What has images to learn from, to choose on and to be tested on.

    Attributes:
        splits: Those that were asked for.
    """

    splits: Mapping[str, S]

    @property
    def train(self) -> S:
        """The training images."""
        return self.splits["train"]

    @property
    def val(self) -> S:
        """The validation images, on which everything is chosen."""
        return self.splits["val"]

    @property
    def test(self) -> S:
        """The test images, read once at the end."""
        return self.splits["test"]


@dataclass(frozen=True)
class Task(InSplits[TaskSplit]):
    """A classification task in memory.

    Attributes:
        name: The task.
        classes: Names by integer label.
        digest: SHA-256 over the data set's digest, the label map, sizes, image size and seed; not the name.
        dataset_digest: The data set's.
        splits: Those that were asked for.
    """

    name: str
    classes: tuple[str, ...]
    digest: str
    dataset_digest: str
    splits: Mapping[str, TaskSplit]


def permuted(task: Task) -> Task:
    """Return a task whose labels are shuffled among the images of each split: as many of each class, without meaning.

    Args:
        task: The task; it keeps its digest, since nothing else differs.

    Returns:
        The task that chance would make.
    """
    rng = np.random.default_rng(0)
    splits = {name: replace(split, labels=rng.permutation(split.labels)) for name, split in sorted(task.splits.items())}
    return replace(task, splits=splits)


def load_task(
    name: str,
    params: TaskParams,
    folder: Path,
    sizes: SizeParams,
    image_size: int,
    seed: int,
    splits: Sequence[Split] = SPLITS,
) -> Task:
    """Make a task of a stored data set.

    Args:
        name: The task.
        params: Its label map.
        folder: The stored data set.
        sizes: At most how many images of each split.
        image_size: Pixels a side, S.
        seed: Of the choice among more images than ``sizes`` allows.
        splits: The splits to load.

    Returns:
        The task: every class equally often in each split, the images in an order that mixes the classes.

    Raises:
        InputError: If a size is below one image a class, and where the data set or label map is wrong.
    """
    manifest = load_manifest(folder)
    mapping = label_map(name, params, manifest.classes)
    for split in SPLITS:
        if getattr(sizes, split) < len(mapping.classes):
            raise InputError(
                f"sizes.{split} is {getattr(sizes, split)} for the {len(mapping.classes)} classes of the "
                f"task {name!r}; expected at least one image a class; raise it."
            )
    identity = [
        manifest.digest,
        mapping.classes,
        [[label, mapping.targets[index]] for index, label in enumerate(manifest.classes)],
        sizes.model_dump(),
        image_size,
        seed,
    ]
    return Task(
        name=name,
        classes=mapping.classes,
        digest=digest_json(identity),
        dataset_digest=manifest.digest,
        splits={
            split: _load_split(folder, split, mapping, getattr(sizes, split), image_size, seed) for split in splits
        },
    )


def _load_split(folder: Path, split: Split, mapping: LabelMap, size: int, image_size: int, seed: int) -> TaskSplit:
    table = load_split(folder, split, ["image", "label", "digest"])
    targets = np.array(mapping.targets, dtype=np.int64)[table["label"].to_numpy()]
    keys = [digest_bytes(f"{seed}:{digest}".encode()) for digest in table["digest"].to_pylist()]
    order = np.argsort(np.array(keys), kind="stable")
    chosen = _balanced(targets, order, size // len(mapping.classes))
    contents = table["image"].take(chosen).to_pylist()
    images = np.empty((len(chosen), 3, image_size, image_size), dtype=np.uint8)
    for row, cell in enumerate(contents):
        images[row] = square_pixels(cell["bytes"], image_size)
    return TaskSplit(images, targets[chosen])


def square_pixels(content: bytes, image_size: int) -> npt.NDArray[np.uint8]:
    """Return [3, S, S]: resized with antialiasing, grey repeated."""
    picture = decode(content)
    if picture.size != (image_size, image_size):
        picture = picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
    return np.asarray(picture.convert("RGB")).transpose(2, 0, 1)


def _balanced(targets: npt.NDArray[np.int64], order: npt.NDArray[np.int64], quota: int) -> npt.NDArray[np.int64]:
    """Return the first ``quota`` rows of each class in ``order``, or as many as the smallest class has.

    Rows of a negative target are left out.
    """
    ordered = targets[order]
    classes, counts = np.unique(ordered[ordered >= 0], return_counts=True)
    quota = min(quota, int(counts.min()))
    keep = np.zeros(len(order), dtype=bool)
    for label in classes:
        keep[np.flatnonzero(ordered == label)[:quota]] = True
    return order[keep]


def draw(split: TaskSplit, count: int, seed: int) -> TaskSplit:
    """Draw a balanced random subset.

    Args:
        split: Where from.
        count: At most so many images, shared equally by the classes; but at least one a class.
        seed: Of the draw.

    Returns:
        The subset, in random order.
    """
    return few_shot(split, max(1, count // len(np.unique(split.labels))), seed)


def few_shot(split: TaskSplit, per_class: int, seed: int) -> TaskSplit:
    """Draw equally many images of each class.

    Args:
        split: Where from.
        per_class: Images a class; fewer where the smallest class has fewer.
        seed: Of the draw.

    Returns:
        The subset, in random order.
    """
    order = np.random.default_rng(seed).permutation(len(split.labels))
    chosen = _balanced(split.labels, order, per_class)
    return TaskSplit(split.images[chosen], split.labels[chosen])
