"""One row of facts an image: the table that validation looks at."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from taskzoo.data.dense.views import encoding_of
from taskzoo.data.images import DAMAGE, STORED_FORMATS, decode, pixel_digest
from taskzoo.data.manifest import Manifest
from taskzoo.data.record import SPLITS
from taskzoo.data.store import load_split
from taskzoo.errors import InputError

BATCH_ROWS = 256


def image_facts(folder: Path, manifest: Manifest) -> pd.DataFrame:
    """Decode every image of a stored data set and tell what is found.

    Args:
        folder: The stored data set.
        manifest: Its manifest.

    Returns:
        One row an image. As stored: path (``<split>/<path>``), split, label, class, split_class, group
        and digest. As decoded: decodable, width, height, channels and digest_matches. Among all rows:
        digest_in_other_split, group_in_other_split, digest_in_other_class, duplicate (a later copy inside
        its split) and imbalance (the largest class's size divided by that of the row's class). A data set
        without classes has no facts of labels and classes, but targets (whether every target file is whole
        and of the image's size) and seen (the least share of valid pixels in one of them, 0 where it is lacking).
    """
    rows: list[dict[str, Any]] = []
    for split in SPLITS:
        for batch in load_split(folder, split).to_batches(BATCH_ROWS):
            rows += [_row(split, cells, manifest) for cells in batch.to_pylist()]
    table = pd.DataFrame(rows)
    table["digest_in_other_split"] = table.groupby("digest")["split"].transform("nunique") > 1
    table["group_in_other_split"] = table.groupby("group")["split"].transform("nunique").fillna(1) > 1
    table["duplicate"] = table.duplicated(["split", "digest"])
    if manifest.classes:
        table["digest_in_other_class"] = table.groupby("digest")["label"].transform("nunique") > 1
        sizes = table.groupby("label")["path"].transform("size")
        table["imbalance"] = sizes.max() / sizes
    return table


def _row(split: str, cells: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    facts = _decoded(cells["image"]["bytes"], cells["digest"])
    return {
        "path": f"{split}/{cells['image']['path']}",
        "split": split,
        "group": cells.get("group"),
        "digest": cells["digest"],
        **facts,
        **(_labelled(split, cells["label"], manifest.classes) if manifest.classes else {}),
        **(_targets(cells, manifest.domains, (facts["height"], facts["width"])) if manifest.domains else {}),
    }


def _labelled(split: str, label: int, classes: list[str]) -> dict[str, Any]:
    name = classes[label] if 0 <= label < len(classes) else None
    return {"label": label, "class": name, "split_class": f"{split}/{name}"}


def _targets(cells: dict[str, Any], domains: list[str], shape: tuple[int, int]) -> dict[str, Any]:
    seen = []
    for domain in domains:
        encoding = encoding_of(domain)
        if cells[domain] is None and encoding.whole:
            seen.append(0.0)
            continue
        try:
            raw = encoding.read(cells[domain], domain)
        except InputError:
            return {"targets": False, "seen": None}
        if not encoding.whole and raw.shape[:2] != shape:
            return {"targets": False, "seen": None}
        seen.append(float(encoding.valid(raw).mean()))
    return {"targets": True, "seen": min(seen)}


def _decoded(content: bytes, digest: str) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(content), formats=STORED_FORMATS) as opened:
            channels = len(opened.getbands())
        picture = decode(content)
    except DAMAGE:
        return {"decodable": False, "width": None, "height": None, "channels": None, "digest_matches": None}
    return {
        "decodable": True,
        "width": picture.width,
        "height": picture.height,
        "channels": channels,
        "digest_matches": pixel_digest(picture) == digest,
    }
