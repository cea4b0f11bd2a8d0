"""Views on disk: the Parquet files of other data sets, with one more column of files a domain.

Targets lie beside their image, so that a split stays one file, whole or absent, and a row cannot lose its target.
Parquet keeps columns apart: a task reads those that it needs, and no others. The files are stored as they came,
since they lose nothing; null where a view lacks one. Targets that the image itself gives are computed when a task is
loaded.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from taskzoo.data.dense.files import Raw
from taskzoo.data.dense.meshes.source import read_meshes
from taskzoo.data.dense.rooms.source import read_rooms
from taskzoo.data.dense.taskonomy import read_taskonomy
from taskzoo.data.dense.views import RGB, View, Views, encoding_of
from taskzoo.data.images import CanonicalImage, canonical_image
from taskzoo.data.manifest import MANIFEST, Manifest, ManifestSource
from taskzoo.data.record import SPLITS, Split, first_few
from taskzoo.data.splits import assign
from taskzoo.errors import InputError
from taskzoo.files import digest_bytes, digest_json, new_folder, write_json
from taskzoo.params import DatasetParams, SplitParams

Size = tuple[int, int]  # width and height

ROWS_PER_GROUP = 100
EIGHT_BITS = 255


def build_views(name: str, params: DatasetParams, split: SplitParams, folder: Path) -> Manifest:
    """Read a source of views and write train, val and test .parquet, and manifest.json.

    Splits that the source names are kept; a missing one is carved out of train, and a source without any is
    divided, by the hash of each group's name. A group is never split. Unusable files are told by InputError.

    Args:
        name: The data set.
        params: Where its views are.
        split: Shares of val and test.
        folder: Where to put it; replaced as a whole, and left as it was on error.

    Returns:
        The manifest.
    """
    source = _read(name, params)
    present = {view.split for view in source.views if view.split is not None}
    placed = [(assign(view.split, view.group, present, split), view) for view in source.views]
    counts = {each: Counter(view.group for where, view in placed if where == each) for each in SPLITS}
    _check_splits(name, counts)
    with new_folder(folder) as temporary:
        content, (width, height), channels = _write(temporary, placed, source.domains)
        manifest = Manifest(
            name=name,
            digest=digest_json([source.domains, sorted(content)]),
            classes=[],
            images=len(placed),
            counts={each: dict(sorted(counts[each].items())) for each in SPLITS},
            groups=True,
            channels=channels,
            min_width=width,
            max_width=width,
            min_height=height,
            max_height=height,
            source=ManifestSource.of(source.format, params.path),
            domains=list(source.domains),
            synthetic=source.synthetic,
        )
        write_json(temporary / MANIFEST, manifest.model_dump())
    return manifest


def _read(name: str, params: DatasetParams) -> Views:
    if params.format == "rooms":
        return read_rooms(params)
    return read_meshes(name, params) if params.format == "meshes" else read_taskonomy(name, params)


def _check_splits(name: str, counts: Mapping[Split, Counter[str]]) -> None:
    empty = [each for each in SPLITS if not counts[each]]
    if empty:
        groups = sorted({group for each in SPLITS for group in counts[each]})
        raise InputError(
            f"the data set {name!r} has {len(groups)} buildings or rooms ({first_few(groups)}) and none in "
            f"{' and '.join(empty)}; expected each split to have one of its own; add some, change split, or give a "
            "split_file."
        )


def _write(
    folder: Path, placed: list[tuple[Split, View]], domains: tuple[str, ...]
) -> tuple[list[Any], Size, list[int]]:
    """Write the splits' tables, a few rows at a time.

    Args:
        folder: Receives them.
        placed: Every view with its split.
        domains: The columns of targets.

    Returns:
        What the digest is over, the size of all images, and the numbers of channels that occur.
    """
    schema = _schema(domains)
    content: list[Any] = []
    size: Size | None = None
    channels: set[int] = set()
    with ExitStack() as stack:
        writers = {each: stack.enter_context(pq.ParquetWriter(folder / f"{each}.parquet", schema)) for each in SPLITS}
        waiting: dict[Split, list[dict[str, Any]]] = {each: [] for each in SPLITS}
        for where, view in track(placed, "Reading views", console=Console(file=sys.stderr)):
            image, row, digests = _row(view, domains, size)
            size = (image.width, image.height)
            channels.add(image.channels)
            content.append([image.digest, where, view.group, digests])
            waiting[where].append(row)
            if len(waiting[where]) == ROWS_PER_GROUP:
                writers[where].write_table(pa.Table.from_pylist(waiting[where], schema))
                waiting[where] = []
        for each in SPLITS:
            writers[each].write_table(pa.Table.from_pylist(waiting[each], schema))
    assert size is not None
    return content, size, sorted(channels)


def _row(view: View, domains: tuple[str, ...], size: Size | None) -> tuple[CanonicalImage, dict[str, Any], list[str]]:
    """Return a view's image, its row of the table, and the digests of its targets' pixels, "" where one is lacking."""
    contents = view.read()
    image = canonical_image(contents[RGB], f"{view.path} rgb")
    found = (image.width, image.height)
    _check_size(view.path, RGB, found, size or found)
    digests = []
    for domain in domains:
        if domain not in contents:
            digests.append("")
            continue
        encoding = encoding_of(domain)
        raw = encoding.read(contents[domain], f"{view.path} {domain}")
        if not encoding.whole:
            _check_size(view.path, domain, (raw.shape[1], raw.shape[0]), found)
        _check_depth(view.path, domain, raw)
        digests.append(digest_bytes(f"{raw.dtype} {raw.shape}\n".encode() + raw.tobytes()))
    row = {
        "image": {"bytes": image.content, "path": view.path},
        "digest": image.digest,
        "group": view.group,
        **{domain: contents.get(domain) for domain in domains},
    }
    return image, row, digests


def _check_size(path: str, domain: str, found: Size, expected: Size) -> None:
    if found != expected:
        raise InputError(
            f"{path} {domain} has {found[0]}x{found[1]} pixels; expected {expected[0]}x{expected[1]}, as the files "
            "before it; give all views and domains one size."
        )


def _check_depth(path: str, domain: str, raw: Raw) -> None:
    if domain in {"depth_euclidean", "depth_zbuffer"} and raw.max() <= EIGHT_BITS:
        raise InputError(
            f"{path} {domain} has no value above {raw.max()}, which is {raw.max() / 512:.2f} metres; expected 16 bits "
            "in 1/512 metre; it was read as 8 bits somewhere, so copy the original file."
        )


def _schema(domains: tuple[str, ...]) -> Any:
    """Return the columns' types, and the metadata by which Hugging Face's ``datasets`` knows them."""
    fields = [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("digest", pa.string()),
        ("group", pa.string()),
        *((domain, pa.binary()) for domain in domains),
    ]
    text, content = {"dtype": "string", "_type": "Value"}, {"dtype": "binary", "_type": "Value"}
    features = {"image": {"_type": "Image"}, "digest": text, "group": text, **dict.fromkeys(domains, content)}
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})
