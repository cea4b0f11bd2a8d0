"""A table that many processes fill, one line a result: a killed run goes on where it was."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

TEXT = {"key", "target", "source"}


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


def read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the table; whatever a killed process left half-written is not in it."""
    if not path.exists():
        return pd.DataFrame(columns=list(columns))
    lines = path.read_text().splitlines()
    rows = [line.split(",") for line in lines if line.count(",") == len(columns) - 1 and not line.startswith("key,")]
    table = pd.DataFrame(rows, columns=list(columns)).drop_duplicates("key", keep="last")
    for column in set(columns) - TEXT:
        table[column] = pd.to_numeric(table[column])
    return table
