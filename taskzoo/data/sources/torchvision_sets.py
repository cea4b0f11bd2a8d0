"""Sets that torchvision knows by name, downloaded only where they are not there."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taskzoo.data.record import Grouper, Record, Source, Split
from taskzoo.data.sources.labels import class_names
from taskzoo.errors import InputError

Options = dict[str, Any]
_FLAG: dict[Split | None, Options] = {"train": {"train": True}, "test": {"train": False}}
_TWO: dict[Split | None, Options] = {"train": {"split": "train"}, "test": {"split": "test"}}
_THREE: dict[Split | None, Options] = {**_TWO, "val": {"split": "val"}}
_WHOLE: dict[Split | None, Options] = {None: {}}
# Sets whose readers open images and plain tables only. Not CIFAR and ImageNet: torchvision unpickles them.
SETS: dict[str, dict[Split | None, Options]] = {
    "MNIST": _FLAG,
    "FashionMNIST": _FLAG,
    "KMNIST": _FLAG,
    "USPS": _FLAG,
    "SVHN": _TWO,
    "STL10": _TWO,
    "GTSRB": _TWO,
    "Food101": _TWO,
    "Flowers102": _THREE,
    "DTD": _THREE,
    "FGVCAircraft": _THREE,
    "OxfordIIITPet": {"train": {"split": "trainval"}, "test": {"split": "test"}},
    "Country211": {**_TWO, "val": {"split": "valid"}},
    "EuroSAT": _WHOLE,
    "Caltech101": _WHOLE,
    "Caltech256": _WHOLE,
}


def read_torchvision(root: Path, name: str, kind: str | None, grouper: Grouper) -> Source:
    """Open a set of torchvision's.

    Args:
        root: Folder of the files; filled by a download where they are not there.
        name: The data set, for messages.
        kind: torchvision's class name.
        grouper: Reads groups from the images' names, ``<split>/<row>``.

    Returns:
        Its records, in torchvision's order.

    Raises:
        InputError: If the set is unknown or is neither there nor can be downloaded.
    """
    if kind not in SETS:
        raise InputError(
            f"datasets.{name}.name is {kind!r}; expected one of {', '.join(SETS)}; choose one of them, or "
            "give the images as a folder, .parquet or .npz file."
        )
    _refuse_pickles(root / kind)
    parts = [(split, _open(kind, root, options)) for split, options in SETS[kind].items()]
    return Source("torchvision", sum(len(part) for _, part in parts), _records(parts, root, grouper))


def _refuse_pickles(folder: Path) -> None:
    # torchvision would open these leftovers of its old releases with torch.load.
    for file in sorted(folder.glob("processed/*.pt")):
        raise InputError(
            f"{file} is a pickle file of an old torchvision; expected the raw files only, as pickles can run "
            "code; remove it."
        )


def _open(kind: str, root: Path, options: Options) -> Any:
    from torchvision import datasets

    reader = getattr(datasets, kind)
    try:
        return reader(root, **options, download=False)
    except (RuntimeError, OSError):  # not there, or incomplete: the one case in which a download is wanted
        return _download(reader, kind, root, options)


def _download(reader: Any, kind: str, root: Path, options: Options) -> Any:
    try:
        return reader(root, **options, download=True)
    except (RuntimeError, OSError) as error:  # URLError is an OSError
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"torchvision's {kind} is not in {root} and cannot be downloaded ({reason}); expected its files "
            "there or a network connection; copy them there or connect."
        ) from error


def _records(parts: list[tuple[Split | None, Any]], root: Path, grouper: Grouper) -> Iterator[Record]:
    for split, part in parts:
        names = getattr(part, "classes", None) or getattr(part, "categories", None)
        for row in range(len(part)):
            picture, label = part[row]
            path = f"{split or 'images'}/{row}"
            (text,) = class_names([int(label)], names, f"{root}, {path}")
            buffer = io.BytesIO()
            # TIFF holds every mode that a reader may give; canonical_image then keeps or refuses it.
            picture.save(buffer, "TIFF")
            yield Record(buffer.getvalue(), path, text, grouper(path), split)
