"""Files that are whole or absent: atomic writes, canonical JSON, content digests."""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taskzoo.errors import InputError

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


@contextmanager
def disk_errors(place: Path | str) -> Iterator[None]:
    """Tell a full or read-only disk in one sentence.

    Args:
        place: The file, folder or store that is written inside the block.

    Yields:
        Nothing.

    Raises:
        InputError: If the disk takes no more.
        OSError: Any other, as it was.
    """
    try:
        yield
    except OSError as error:
        # Copying a folder gathers the errors of its files into one that has their texts only.
        text = str(error) if isinstance(error, shutil.Error) else ""
        code = next((code for code in DISK if error.errno == code or f"[Errno {code}]" in text), None)
        if code is None:
            raise
        raise InputError(
            f"{place} cannot be written: {os.strerror(code)}; expected a writable disk with free space; "
            "free some or choose another folder, then run the same command again."
        ) from error


def write_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a sibling temporary file, then move it to ``path`` in one step.

    Args:
        path: Where the file is wanted; missing parent folders are made.
        write: Called with the temporary path; writes the whole file.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_with(path, write)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text to ``path`` atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` atomically as indented JSON with sorted keys; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a temporary folder, then put it in the place of ``path`` in one step.

    An exception inside the block leaves ``path`` as it was.

    Args:
        path: The folder to create or replace.

    Yields:
        The temporary folder to fill.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.old")
    with disk_errors(path):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            if path.exists():
                os.replace(path, aside)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)


def digest_bytes(content: bytes) -> str:
    """Return the SHA-256 of ``content`` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of the file's content as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value`` (sorted keys, no spaces) as 64 hexadecimal digits."""
    return digest_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def digest_folder(path: Path, pattern: str = "**/*") -> str:
    """Return one SHA-256 over the relative names and contents of the files below ``path`` matching ``pattern``."""
    files = sorted(p for p in path.glob(pattern) if p.is_file())
    return digest_json([[p.relative_to(path).as_posix(), digest_file(p)] for p in files])


def remove_others(folder: Path, names: Collection[str]) -> None:
    """Remove every entry of ``folder`` that is not named: what is no longer asked for, what a killed run left."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
