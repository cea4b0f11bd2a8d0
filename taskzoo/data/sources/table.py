"""Parquet files in the Hugging Face image layout."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taskzoo.data.record import SPLIT_NAMES, Grouper, Record, Source, Split
from taskzoo.data.sources.labels import class_names
from taskzoo.errors import InputError

BATCH_ROWS = 256


@dataclass(frozen=True)
class _Shard:
    file: Path
    split: Split | None
    labels: list[str]


def read_parquet(path: Path, grouper: Grouper) -> Source:
    """Open a Parquet file, or a folder of train*, val* (or valid*, validation*) and test* files.

    Columns: ``image``, a struct of ``bytes`` and ``path`` or plain bytes; ``label``, integers or text; and
    optionally ``group``. Class names are taken from Hugging Face's metadata where the file has them. Damaged
    files, other columns and wrong labels are told by InputError.

    Args:
        path: The file or folder.
        grouper: Reads groups from the images' paths.

    Returns:
        Its records, in the order of the rows.
    """
    files = _split_files(path) if path.is_dir() else [(path, None)]
    shards = [_open(file, split) for file, split in files]
    count = sum(len(shard.labels) for shard in shards)
    return Source("parquet", count, _records(shards, grouper))


def _split_files(folder: Path) -> list[tuple[Path, Split | None]]:
    files: list[tuple[Path, Split | None]] = []
    for file in sorted(folder.glob("*.parquet")):
        split = next((split for prefix, split in SPLIT_NAMES.items() if file.name.startswith(prefix)), None)
        if split is None:
            raise InputError(
                f"{file} belongs to no split; expected names beginning with train, val, validation or test; "
                "rename it or give the file itself as the path."
            )
        files.append((file, split))
    if not files:
        raise InputError(f"{folder} holds no .parquet files; expected at least one; correct the path.")
    return files


def _open(file: Path, split: Split | None) -> _Shard:
    # Labels are small and checked at once; the images come later, batch by batch.
    try:
        schema = pq.read_schema(file)
        _check_schema(schema, file)
        labels = pq.read_table(file, columns=["label"])["label"].to_pylist()
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{file} is not a readable Parquet file ({reason}); expected columns image and label; write it again."
        ) from error
    return _Shard(file, split, class_names(labels, _names(schema), f"{file}, column label,"))


def _check_schema(schema: Any, file: Path) -> None:
    types = {field.name: field.type for field in schema}
    image, label = types.get("image"), types.get("label")
    if image is None or label is None:
        found = ", ".join(types) or "none"
        raise InputError(f"{file} has the columns {found}; expected image and label; rename its columns.")
    inner = image.field("bytes").type if pa.types.is_struct(image) and image.get_field_index("bytes") >= 0 else image
    if not (pa.types.is_binary(inner) or pa.types.is_large_binary(inner)):
        raise InputError(
            f"{file}: the column image is of type {image}; expected bytes, or a struct of bytes and path; "
            "write the images' file contents into it."
        )


def _names(schema: Any) -> list[str] | None:
    """Return the class names of Hugging Face's metadata, if there are any."""
    try:
        raw = json.loads((schema.metadata or {})[b"huggingface"])
        names = raw["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(name) for name in names]


def _records(shards: list[_Shard], grouper: Grouper) -> Iterator[Record]:
    for shard in shards:
        row = 0
        columns = [name for name in pq.read_schema(shard.file).names if name in {"image", "group"}]
        for batch in pq.ParquetFile(shard.file).iter_batches(BATCH_ROWS, columns=columns):
            for cells in batch.to_pylist():
                yield _record(cells, row, shard, grouper)
                row += 1


def _record(cells: dict[str, Any], row: int, shard: _Shard, grouper: Grouper) -> Record:
    image = cells["image"]
    content, path = (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, None)
    if content is None:
        raise InputError(
            f"{shard.file}, row {row}: the image has no bytes; expected the image file's content in the "
            "table; embed it."
        )
    found = cells.get("group")
    path = path or f"{shard.file.stem}/{row}"
    return Record(content, path, shard.labels[row], grouper(path, None if found is None else str(found)), shard.split)
