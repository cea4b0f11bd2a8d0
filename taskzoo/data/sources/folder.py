"""Image folders: one folder a class, or train/ val/ test/ above them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from taskzoo.data.record import SPLIT_NAMES, Grouper, Record, Source, Split
from taskzoo.errors import InputError


@dataclass(frozen=True)
class _Item:
    file: Path
    label: str
    split: Split | None


def read_folder(root: Path, grouper: Grouper) -> Source:
    """List an image folder.

    Every file that is not hidden, at any depth below a class's folder, is an image of that class.

    Args:
        root: The folder.
        grouper: Reads groups from paths relative to ``root``.

    Returns:
        Its records, in the order of their paths.

    Raises:
        InputError: If it is no folder, has no class folders, a class is empty, or an image lies outside them.
    """
    if not root.is_dir():
        raise InputError(f"{root} is a file; expected a folder with one folder of images a class; correct the path.")
    items: list[_Item] = []
    folders = _folders(root)
    if folders and all(folder.name in SPLIT_NAMES for folder in folders):
        _refuse_strays(root)
        for folder in folders:
            items += _classes(folder, SPLIT_NAMES[folder.name])
    else:
        items = _classes(root, None)
    return Source("folder", len(items), _records(root, items, grouper))


def _records(root: Path, items: list[_Item], grouper: Grouper) -> Iterator[Record]:
    for item in items:
        path = item.file.relative_to(root).as_posix()
        try:
            content = item.file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{item.file} cannot be read ({error.strerror}); expected an image file; mend or remove it."
            ) from error
        yield Record(content, path, item.label, grouper(path), item.split)


def _classes(folder: Path, split: Split | None) -> list[_Item]:
    _refuse_strays(folder)
    classes = _folders(folder)
    if not classes:
        raise InputError(
            f"{folder} holds no folders; expected one folder of images a class; sort the images into such folders."
        )
    items: list[_Item] = []
    for each in classes:
        files = [file for file in sorted(each.rglob("*")) if not file.is_dir() and not _hidden(file, each)]
        if not files:
            raise InputError(
                f"{each} is empty; expected images of the class {each.name!r}; add some or remove the folder."
            )
        items += [_Item(file, each.name, split) for file in files]
    return items


def _refuse_strays(folder: Path) -> None:
    # A README or licence may lie there, but no image: its class would be unknown.
    known = Image.registered_extensions()
    for file in sorted(folder.iterdir()):
        if file.is_file() and not _hidden(file, folder) and file.suffix.lower() in known:
            raise InputError(
                f"{file} lies outside the class folders; expected every image in the folder of its class; "
                "move or remove it."
            )


def _folders(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.is_dir() and not each.name.startswith(".")]


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)
