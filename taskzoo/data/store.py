"""A data set on disk: three Parquet files in the Hugging Face image layout, and a manifest."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from taskzoo.data.dense.store import build_views
from taskzoo.data.images import CanonicalImage, ImageError, canonical_image
from taskzoo.data.manifest import MANIFEST, Manifest, ManifestSource, class_order, load_manifest
from taskzoo.data.record import SPLITS, Record, Source, Split, first_few
from taskzoo.data.sources import read
from taskzoo.data.splits import assign, check_classes, split_keys
from taskzoo.errors import InputError
from taskzoo.files import digest_json, new_folder, write_json
from taskzoo.params import DatasetParams, SplitParams

__all__ = ["Manifest", "build_dataset", "load_manifest", "load_split"]

VIEW_FORMATS = ("taskonomy", "rooms", "meshes")  # Formats of images with target images in place of labels.
ROWS_PER_GROUP = 1000
PROGRESS_FROM = 2000


@dataclass(frozen=True)
class _Entry:
    image: CanonicalImage
    path: str
    label: str
    group: str | None
    named: Split | None

    @property
    def order(self) -> tuple[str, str, str, str]:
        return (self.image.digest, self.label, self.group or "", self.path)


def build_dataset(name: str, params: DatasetParams, split: SplitParams, folder: Path) -> Manifest:
    """Read a source and write it in canonical form: train, val and test .parquet, and manifest.json.

    Splits that the source names are kept; a missing one is carved out of train, and a source without any is
    divided, by the hash of each image or group. Unusable sources, images and labels, and a class that is not
    in every split, are told by InputError. Views with target images are kept as ``build_views`` says.

    Args:
        name: The data set.
        params: Where its images are.
        split: Shares of val and test.
        folder: Where to put it; replaced as a whole, and left as it was on error.

    Returns:
        The manifest.
    """
    if params.format in VIEW_FORMATS:
        return build_views(name, params, split, folder)
    source = read(name, params)
    entries = _entries(source, params)
    if params.max_per_class is not None:
        entries = _first_of_each_class(entries, params.max_per_class)
    classes = class_order({entry.label for entry in entries})
    present = {entry.named for entry in entries if entry.named is not None}
    rows: dict[Split, list[_Entry]] = {each: [] for each in SPLITS}
    keys = split_keys([entry.image.digest for entry in entries], [entry.group for entry in entries])
    for entry, key in zip(entries, keys, strict=True):
        rows[assign(entry.named, key, present, split)].append(entry)
    check_classes(name, ((each, entry.label) for each in SPLITS for entry in rows[each]), classes)
    manifest = _manifest(name, rows, classes, ManifestSource.of(source.format, params.path))
    with new_folder(folder) as temporary:
        for each in SPLITS:
            _write_split(temporary / f"{each}.parquet", rows[each], classes, manifest.groups)
        write_json(temporary / MANIFEST, manifest.model_dump())
    return manifest


def load_split(folder: Path, split: Split, columns: list[str] | None = None) -> Any:
    """Read one split of a stored data set.

    Args:
        folder: A folder that ``build_dataset`` wrote.
        split: Which.
        columns: Read these only; all where left out.

    Returns:
        A pyarrow table with the columns image, label, digest and, where the data set has groups, group; in place
        of label, the domains of one with target images.

    Raises:
        InputError: If a file is missing or damaged, or its rows are not those that the manifest counts.
    """
    path = folder / f"{split}.parquet"
    expected = sum(load_manifest(folder).counts[split].values())
    try:
        table = pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path} cannot be read ({reason}); expected a split of the dataset stage; run that stage again."
        ) from error
    if table.num_rows != expected:
        raise InputError(
            f"{path} has {table.num_rows:,} rows; expected {expected:,} as the manifest says; run the "
            "dataset stage again."
        )
    return table


def _entries(source: Source, params: DatasetParams) -> list[_Entry]:
    # Sorted, so that nothing depends on the source's order; bad images are collected and told at once.
    entries: list[_Entry] = []
    bad: list[str] = []
    for record in _shown(source):
        try:
            image = canonical_image(record.content, record.path)
        except ImageError as error:
            bad.append(f"{error.where} {error.reason}")
            continue
        entries.append(_Entry(image, record.path, record.label, record.group, record.split))
    if bad:
        what = "1 file that is no usable image" if len(bad) == 1 else f"{len(bad):,} files that are no usable images"
        raise InputError(
            f"{params.path} has {what}: {first_few(bad)}; expected opaque grey or RGB images of 8 bits a "
            "channel and at least 4x4 pixels; convert or remove them."
        )
    return sorted(entries, key=lambda entry: entry.order)


def _shown(source: Source) -> Iterator[Record]:
    if source.count <= PROGRESS_FROM:
        return source.records
    console = Console(file=sys.stderr)
    return iter(track(source.records, "Reading images", source.count, console=console))


def _first_of_each_class(entries: list[_Entry], limit: int) -> list[_Entry]:
    taken: dict[str, int] = {}
    kept: list[_Entry] = []
    for entry in entries:
        taken[entry.label] = taken.get(entry.label, 0) + 1
        if taken[entry.label] <= limit:
            kept.append(entry)
    return kept


def _manifest(name: str, rows: dict[Split, list[_Entry]], classes: list[str], source: ManifestSource) -> Manifest:
    entries = [entry for each in SPLITS for entry in rows[each]]
    content = sorted([e.image.digest, e.label, each, e.group or ""] for each in SPLITS for e in rows[each])
    counts = Counter((each, entry.label) for each in SPLITS for entry in rows[each])
    widths, heights = [e.image.width for e in entries], [e.image.height for e in entries]
    return Manifest(
        name=name,
        digest=digest_json(content),
        classes=classes,
        images=len(entries),
        counts={each: {label: counts[each, label] for label in classes} for each in SPLITS},
        groups=any(entry.group is not None for entry in entries),
        channels=sorted({entry.image.channels for entry in entries}),
        min_width=min(widths),
        max_width=max(widths),
        min_height=min(heights),
        max_height=max(heights),
        source=source,
    )


def _write_split(path: Path, entries: list[_Entry], classes: list[str], groups: bool) -> None:
    schema = _schema(classes, groups)
    index = {label: number for number, label in enumerate(classes)}
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(entries), ROWS_PER_GROUP):
            rows = [
                {
                    "image": {"bytes": entry.image.content, "path": entry.path},
                    "label": index[entry.label],
                    "digest": entry.image.digest,
                    "group": entry.group,
                }
                for entry in entries[start : start + ROWS_PER_GROUP]
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _schema(classes: list[str], groups: bool) -> Any:
    """Return the columns' types, and the metadata by which Hugging Face's ``datasets`` knows them."""
    fields = [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", pa.int64()),
        ("digest", pa.string()),
    ]
    text = {"dtype": "string", "_type": "Value"}
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "label": {"names": classes, "_type": "ClassLabel"},
        "digest": text,
    }
    if groups:
        fields.append(("group", pa.string()))
        features["group"] = text
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})
