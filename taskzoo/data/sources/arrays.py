"""NumPy archives of pixel arrays."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from taskzoo.data.images import encode
from taskzoo.data.record import Grouper, Record, Source, Split
from taskzoo.data.sources.labels import class_names
from taskzoo.errors import InputError

# Keys of images and labels by split, in the spellings of NumPy users, Keras and MedMNIST.
LAYOUTS: tuple[dict[Split | None, tuple[str, str]], ...] = (
    {None: ("images", "labels")},
    {None: ("x", "y")},
    {"train": ("x_train", "y_train"), "val": ("x_val", "y_val"), "test": ("x_test", "y_test")},
    {
        "train": ("train_images", "train_labels"),
        "val": ("val_images", "val_labels"),
        "test": ("test_images", "test_labels"),
    },
)
Part = tuple[Split | None, npt.NDArray[np.uint8], list[str]]


def read_npz(path: Path, grouper: Grouper) -> Source:
    """Open an archive of uint8 images [N, H, W] or [N, H, W, 1 or 3] and labels [N].

    Args:
        path: The .npz file.
        grouper: Reads groups from the images' names, ``<split>/<row>``.

    Returns:
        Its records, in the order of the rows.

    Raises:
        InputError: If the file is damaged or holds Python objects or other keys, or an array is wrong.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path} is not a readable .npz file ({reason}); expected arrays of numbers only; write it again."
        ) from error
    parts = _parts(arrays, path)
    return Source("npz", sum(len(part[2]) for part in parts), _records(parts, grouper))


def _parts(arrays: dict[str, Any], path: Path) -> list[Part]:
    for layout in LAYOUTS:
        found = {split: keys for split, keys in layout.items() if all(key in arrays for key in keys)}
        if found:
            return [_part(arrays, split, keys, path) for split, keys in found.items()]
    raise InputError(
        f"{path} holds the arrays {', '.join(sorted(arrays)) or '(none)'}; expected images and labels, x and "
        "y, or x_train, y_train, x_test and y_test; rename them."
    )


def _part(arrays: dict[str, Any], split: Split | None, keys: tuple[str, str], path: Path) -> Part:
    images, labels = arrays[keys[0]], arrays[keys[1]]
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise InputError(
            f"{path}: {keys[0]} is {images.dtype} {list(images.shape)}; expected uint8 [N, H, W], [N, H, W, "
            "1] or [N, H, W, 3]; convert it."
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != images.shape[:1]:
        raise InputError(
            f"{path}: {keys[1]} has the shape {list(labels.shape)} for {len(images)} images; expected one "
            "label an image; write it again."
        )
    return split, images, class_names(labels.tolist(), None, f"{path}, array {keys[1]},")


def _records(parts: list[Part], grouper: Grouper) -> Iterator[Record]:
    for split, images, labels in parts:
        for row, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            path = f"{split or 'images'}/{row}"
            yield Record(encode(pixels), path, label, grouper(path), split)
