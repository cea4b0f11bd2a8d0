"""Local copies of what is asked of a store again and again: the next time, only what is new is asked for."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pyarrow import ArrowException

from taskzoo.files import digest_json, write_with
from taskzoo.registry.connection import Connection

OVERLAP_MS = 10_000  # What is so much older than the newest known is asked for again: clocks of writers differ.


def copy_path(connection: Connection, folder: Path, *what: str) -> Path:
    """Return where the copy is kept of what these words name in a store; another one where the store was made anew."""
    made = connection.client.get_experiment(connection.experiment_id).creation_time
    return folder / f"{digest_json([connection.uri, made, *what])[:16]}.parquet"


def read_copy(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a copy with columns of these types; an empty one where there is none, or none that can be read."""
    try:
        return pd.read_parquet(path).astype(dict(columns))[list(columns)]
    except (OSError, ArrowException, KeyError, ValueError):
        return pd.DataFrame({name: [] for name in columns}).astype(dict(columns))


def since(times: "pd.Series[int]") -> int:
    """Return from when on, in milliseconds, there may be something new, given the times of what is known."""
    return int(times.max()) - OVERLAP_MS if len(times) else -1


def joined(known: pd.DataFrame, news: list[tuple[object, ...]]) -> pd.DataFrame:
    """Return the rows known and then the new ones, of the same columns and types."""
    fresh = pd.DataFrame(news, columns=list(known.columns)).astype(known.dtypes)
    return pd.concat([known, fresh], ignore_index=True)


def keep_copy(path: Path, known: pd.DataFrame, whole: pd.DataFrame) -> None:
    """Write a copy if it is another than the one that was read."""
    if not whole.equals(known):
        write_with(path, lambda temporary: whole.to_parquet(temporary, index=False))
