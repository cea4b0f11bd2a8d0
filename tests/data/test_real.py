"""Real photographs, where images that belong together would leak without groups."""

import os
from pathlib import Path

import pytest

from taskzoo.data.record import SPLITS, Split
from taskzoo.data.store import build_dataset, load_split
from taskzoo.data.validation import validate
from taskzoo.errors import InputError
from taskzoo.params import SplitParams
from tests.data.pictures import dataset

DATA = Path(os.environ.get("TASKZOO_DATA", "."))
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("TASKZOO_DATA" not in os.environ, reason="TASKZOO_DATA does not name the folder of real data"),
]
HOUSE = r"^(\d+)_"
PHOTOGRAPH = r"^(.+)_\d+$"


def homes(folder: Path, separator: str) -> dict[str, set[str]]:
    """Return the splits of each house or photograph, read from the paths and not from the group column."""
    found: dict[str, set[str]] = {}
    for split in SPLITS:
        for image in load_split(folder, split)["image"].to_pylist():
            found.setdefault(image["path"].rpartition(separator)[0], set()).add(split)
    return found


@pytest.mark.parametrize(
    ("name", "group", "images", "wholes"),
    [("houses", HOUSE, 2140, 535), ("blood_cells", PHOTOGRAPH, 1233, None)],
)
def test_what_belongs_together_stays_together(
    tmp_path: Path, name: str, group: str, images: int, wholes: int | None
) -> None:
    params = dataset(DATA / f"{name}.parquet", group=group)
    manifest = build_dataset(name, params, SplitParams(), tmp_path / "out")
    found = homes(tmp_path / "out", "_")
    assert manifest.images == images
    assert manifest.groups
    assert wholes is None or len(found) == wholes
    assert all(len(splits) == 1 for splits in found.values())
    assert validate(tmp_path / "out", tmp_path / "result", tmp_path / "docs").success


@pytest.mark.parametrize("name", ["houses", "blood_cells"])
def test_without_groups_they_would_be_torn_apart(tmp_path: Path, name: str) -> None:
    build_dataset(name, dataset(DATA / f"{name}.parquet"), SplitParams(), tmp_path / "out")
    torn = [key for key, splits in homes(tmp_path / "out", "_").items() if len(splits) > 1]
    assert len(torn) > 100


def test_houses_that_share_a_photograph_stay_together(tmp_path: Path) -> None:
    """Houses 199 and 214, and 59 and 72, are the same photographs: no copy may be in another split."""
    params = dataset(DATA / "houses.parquet", group=HOUSE)
    build_dataset("houses", params, SplitParams(), tmp_path / "out")
    where: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for split in SPLITS:
        table = load_split(tmp_path / "out", split)
        for digest, group in zip(table["digest"].to_pylist(), table["group"].to_pylist(), strict=True):
            where.setdefault(digest, set()).add(split)
            groups.setdefault(digest, set()).add(group)
    assert any(len(each) > 1 for each in groups.values())
    assert all(len(each) == 1 for each in where.values())


def test_cifar_keeps_its_own_test_images(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.parquet").symlink_to(DATA / f"cifar10_{split}.parquet")
    manifest = build_dataset("cifar", dataset(folder, max_per_class=500), SplitParams(), tmp_path / "out")
    assert manifest.images == 5000
    origins: dict[Split, str] = {"train": "train", "val": "train", "test": "test"}
    for split, origin in origins.items():
        images = load_split(tmp_path / "out", split)["image"].to_pylist()
        assert all(image["path"].startswith(f"{origin}/") for image in images)


def test_a_weights_file_is_no_image_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a file of no known format"):
        build_dataset("w", dataset(DATA / "tf_efficientnet_lite0.in1k.safetensors"), SplitParams(), tmp_path / "out")
