"""A table that many processes fill, one line a result: a killed run goes on where it was."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

TEXT = {"key", "target", "source", "strategy", "arm", "space"}


def append(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Add rows in one write, which no other process's lines can fall into."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(",".join(str(value) for value in row) + "\n" for row in rows)
    if not path.exists():
        text = ",".join(columns) + "\n" + text
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def drop_others(path: Path, columns: Sequence[str]) -> None:
    """Remove a table of other columns: a line of these would not fit its header. To be called before jobs start."""
    if path.exists() and _header(path) != list(columns):
        path.unlink()


def read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the table; whatever a killed process left half-written is not in it.

    Args:
        path: The file.
        columns: Those wanted.

    Returns:
        Those of them that the file has, which an earlier state of the benchmark may have written; all of them, and no
        rows, where there is no file.
    """
    if not path.exists():
        return pd.DataFrame(columns=list(columns))
    header = _header(path)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    whole = [line for line in lines if len(line) == len(header) and line[0] != header[0]]
    table = pd.DataFrame(whole, columns=header)
    table = table[[name for name in columns if name in header]].drop_duplicates("key", keep="last")
    for column in set(table.columns) - TEXT:
        table[column] = pd.to_numeric(table[column])
    return table


def _header(path: Path) -> list[str]:
    with path.open() as handle:
        return handle.readline().rstrip("\n").split(",")
