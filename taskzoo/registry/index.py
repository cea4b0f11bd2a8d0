"""A local copy of what a coarse ranking needs of every registered task, brought up to date by what changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mlflow.entities.model_registry import ModelVersion

from taskzoo.distance.appearance import Sketches, read_sketches
from taskzoo.registry.connection import Connection
from taskzoo.registry.copies import copy_path, joined, keep_copy, read_copy, since
from taskzoo.registry.records import SCHEMA

SKETCH = "appearance"  # The tag of a version that holds its sketch.
COLUMNS = {"name": "str", "version": "int64", "updated": "int64", "sketch": "str"}
FIRST_PAGE, PAGE = 20, 1000  # Mostly there is little news.


@dataclass(frozen=True)
class Index:
    """The registered tasks of one probe.

    Args:
        names: Of the tasks, [n], in order.
        sketches: Of their appearance.
    """

    names: npt.NDArray[np.str_]
    sketches: Sketches


def load_index(connection: Connection, fingerprint: str, folder: Path) -> Index:
    """Return the index of a store's tasks of one probe.

    Only versions written since the last time are asked for. A version deleted since then stays in the index, so names
    are looked up in the store before they are used.

    Args:
        connection: The store.
        fingerprint: Of the probe.
        folder: Where the copy is kept.

    Returns:
        The newest version of each task.
    """
    path = copy_path(connection, folder, fingerprint)
    known = read_copy(path, COLUMNS)
    whole = joined(known, [_row(each) for each in _changed(connection, fingerprint, since(known["updated"]))])
    whole = whole.sort_values(["name", "version", "updated"]).drop_duplicates("name", keep="last", ignore_index=True)
    keep_copy(path, known, whole)
    return Index(whole["name"].to_numpy(dtype=np.str_), read_sketches(list(whole["sketch"])))


def _row(version: ModelVersion) -> tuple[str, int, int, str]:
    return version.name, int(version.version), _written(version), version.tags[SKETCH]


def _written(version: ModelVersion) -> int:
    return version.last_updated_timestamp or version.creation_timestamp


def _changed(connection: Connection, fingerprint: str, after: int) -> Iterator[ModelVersion]:
    """Yield the versions of a probe that were written after a time, the last written first."""
    wanted = f"tags.schema = '{SCHEMA}' and tags.fingerprint = '{fingerprint}'"
    token, size = None, FIRST_PAGE
    while True:
        page = connection.client.search_model_versions(
            wanted, max_results=size, order_by=["last_updated_timestamp DESC"], page_token=token
        )
        for version in page:
            if _written(version) <= after:
                return
            if SKETCH in version.tags:
                yield version
        token, size = page.token, PAGE
        if not token:
            return
