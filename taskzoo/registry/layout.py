"""Which files a package folder holds: told by name and place, before any is opened."""

import re
from pathlib import Path

from taskzoo.errors import InputError

NETWORK_FILES = ("architecture.json", "tuned.safetensors")
JSON_FILES = ("task.json", "elites.json", "trials.json", "distances.json", "appearance.json", "metrics.json")
FIGURES = "figures"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
REPEATED = re.compile(r"(probe|fisher)-(0|[1-9][0-9]{0,3})\.safetensors")
FIGURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.png")


def check_files(folder: Path) -> None:
    """Look at names and places only.

    Args:
        folder: The package.

    Raises:
        InputError: If a file is missing, or anything in it is no part of a package.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected a task's package; run the package stage first.")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not _belongs(folder, path):
            raise InputError(
                f"{path} is no part of a package; expected JSON, safetensors and figures/*.png of the "
                f"package stage only, so {name!r} was not opened; remove it, or run the package stage again."
            )
    for name in (*JSON_FILES, *NETWORK_FILES):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} is missing; expected it in every package; run the package stage again.")


def _belongs(folder: Path, path: Path) -> bool:
    """Return whether a path inside a package folder is one of its own, judged by its name and place."""
    if path.parent == folder:
        known = path.name in JSON_FILES or path.name in NETWORK_FILES or REPEATED.fullmatch(path.name)
        return path.is_dir() if path.name == FIGURES else bool(known) and path.is_file()
    return (
        path.parent == folder / FIGURES
        and FIGURE.fullmatch(path.name) is not None
        and path.is_file()
        and path.read_bytes()[: len(PNG_SIGNATURE)] == PNG_SIGNATURE
    )
