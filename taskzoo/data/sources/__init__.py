"""Reading images and labels, one file a format."""

from pathlib import Path

from taskzoo.data.embedded import read_digits, read_mnist5k
from taskzoo.data.record import Grouper, Source
from taskzoo.data.sources.arrays import read_npz
from taskzoo.data.sources.folder import read_folder
from taskzoo.data.sources.table import read_parquet
from taskzoo.data.sources.torchvision_sets import read_torchvision
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams


def read(name: str, params: DatasetParams) -> Source:
    """Open a source.

    Missing sources, unknown formats, wrong layouts and wrong labels are told by InputError, at once or when a
    record is reached.

    Args:
        name: The data set, for messages.
        params: Where it is and how to read it.

    Returns:
        Its records, read as they are asked for.
    """
    grouper = Grouper(name, params)
    kind = params.format or detect_format(name, params)
    if kind == "digits":
        return read_digits(grouper)
    if kind == "mnist5k":
        return read_mnist5k(grouper)
    path = Path(params.path)
    if kind == "torchvision":
        return read_torchvision(path, name, params.name, grouper)
    _check_exists(name, params)
    readers = {"folder": read_folder, "parquet": read_parquet, "npz": read_npz}
    return readers[kind](path, grouper)


def detect_format(name: str, params: DatasetParams) -> str:
    """Tell a source's format by its path.

    Args:
        name: The data set, for messages.
        params: Gives the path.

    Returns:
        One of folder, parquet and npz.

    Raises:
        InputError: If it is a file of another kind.
    """
    _check_exists(name, params)
    path = Path(params.path)
    if path.is_dir():
        return "parquet" if any(path.glob("*.parquet")) else "folder"
    if path.suffix.lower() in {".parquet", ".npz"}:
        return path.suffix.lower()[1:]
    raise InputError(
        f"datasets.{name}.path is {params.path}, a file of no known format; expected a folder of images, a "
        ".parquet or an .npz file; convert it or unpack it into one folder a class."
    )


def _check_exists(name: str, params: DatasetParams) -> None:
    if Path(params.path).exists():
        return
    raise InputError(
        f"datasets.{name}.path is {params.path}, which does not exist; expected a folder of images, a "
        ".parquet or an .npz file; correct the path."
    )
