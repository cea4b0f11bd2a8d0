"""Taskonomy's folders in their three layouts, its split files, and what is wrong with them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from taskzoo.data.dense.split_file import read_split_file
from taskzoo.data.dense.taskonomy import read_taskonomy
from taskzoo.data.store import build_dataset, load_manifest, load_split
from taskzoo.errors import InputError
from taskzoo.files import digest_folder
from taskzoo.params import DatasetParams, SplitParams
from tests.data.dense.houses import ALL, LAYOUTS, flat_depth, house, rgb, street
from tests.data.pictures import encoded

SPLIT = SplitParams(val=0.25, test=0.25)
FEW = ("depth_zbuffer", "normal", "segment_semantic")


def taskonomy(path: Path, **options: object) -> DatasetParams:
    return DatasetParams.model_validate({"path": str(path), "format": "taskonomy", **options})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_views(tmp_path: Path, layout: str) -> None:
    for building, first in (("Ackermanville", 0), ("aldine", 50)):
        house(tmp_path, building, 4, LAYOUTS[layout], first=first)
    views = read_taskonomy("x", taskonomy(tmp_path))
    assert views.domains == ALL
    assert not views.synthetic
    assert [(view.path, view.group) for view in views.views] == [
        (f"{building}/point_{view}_view_{view % 3}", building)
        for building in ("Ackermanville", "aldine")
        for view in range(4)
    ]
    contents = views.views[5].read()
    assert contents["rgb"] == encoded(rgb(51))
    assert set(contents) == {"rgb", *ALL}


def test_one_building_alone_is_named_by_its_folder(tmp_path: Path) -> None:
    house(tmp_path / "uvalda", "", 3, lambda building, domain: domain)
    views = read_taskonomy("x", taskonomy(tmp_path / "uvalda")).views
    assert [view.path for view in views] == [f"uvalda/point_{view}_view_{view % 3}" for view in range(3)]


def test_other_folders_and_files_are_left_alone(tmp_path: Path) -> None:
    house(tmp_path, "uvalda", 2, LAYOUTS["building above domain"], FEW)
    (tmp_path / "uvalda" / "nonfixated_matches").mkdir()
    (tmp_path / "uvalda" / "nonfixated_matches" / "point_0_view_0_domain_fixatedpose.json").write_text("{}")
    (tmp_path / "uvalda" / "rgb" / "thumbs.db").write_text("")
    assert read_taskonomy("x", taskonomy(tmp_path)).domains == FEW


def test_wanted_domains_bring_the_one_that_tells_missing_pixels(tmp_path: Path) -> None:
    street(tmp_path, 2)
    assert read_taskonomy("x", taskonomy(tmp_path, domains=["reshading", "normal"])).domains == (
        "normal",
        "reshading",
        "depth_zbuffer",
    )
    assert read_taskonomy("x", taskonomy(tmp_path, domains=["keypoints2d"])).domains == ("keypoints2d",)


def test_views_a_building_are_capped_by_the_hash_of_their_names(tmp_path: Path) -> None:
    street(tmp_path, 2, views=6, domains=FEW)
    every, few, more = (
        [view.path for view in read_taskonomy("x", taskonomy(tmp_path, views=count)).views] for count in (6, 2, 3)
    )
    assert (len(every), len(few), len(more)) == (12, 4, 6)
    assert set(few) < set(more) < set(every)
    assert few != [*every[:2], *every[6:8]]


@pytest.mark.parametrize("ends", ["\r", "\r\n", "\n"])
def test_split_files_end_lines_in_any_way(tmp_path: Path, ends: str) -> None:
    lines = ["id,train,val,test", "house0,1,0,0", "HOUSE1,0,1,0", "house2,0,0,1", "house3,0,0,0"]
    path = tmp_path / "train_val_test_tiny.csv"
    path.write_bytes((ends.join(lines) + ends).encode())
    assert read_split_file(path) == {"house0": "train", "house1": "val", "house2": "test"}


def test_buildings_go_where_the_split_file_says_and_others_are_left_out(tmp_path: Path) -> None:
    street(tmp_path / "in", 5, domains=FEW)
    csv = tmp_path / "splits.csv"
    csv.write_bytes(b"id,train,val,test\rhouse0,0,0,1\rhouse1,1,0,0\rhouse2,0,1,0\rhouse4,1,0,0\r")
    manifest = build_dataset("x", taskonomy(tmp_path / "in", split_file=str(csv)), SPLIT, tmp_path / "out")
    assert manifest.counts == {
        "train": {"House1": 3, "House4": 3},
        "val": {"House2": 3},
        "test": {"House0": 3},
    }
    assert manifest == load_manifest(tmp_path / "out")


def test_a_stored_street_keeps_every_file_and_never_splits_a_building(tmp_path: Path) -> None:
    street(tmp_path / "in", 8)
    manifest = build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "out")
    assert (manifest.images, manifest.classes, manifest.domains, manifest.synthetic) == (24, [], list(ALL), False)
    homes: dict[str, set[str]] = {}
    for split in ("train", "val", "test"):
        for row in load_split(tmp_path / "out", split).to_pylist():
            homes.setdefault(row["group"], set()).add(split)
            building, stem = row["image"]["path"].split("/")
            assert row["image"]["bytes"] == (tmp_path / f"in/{building}/rgb/{stem}_domain_rgb.png").read_bytes()
            for domain in ("normal", "depth_zbuffer"):
                file = tmp_path / f"in/{building}/{domain}/{stem}_domain_{domain}.png"
                assert row[domain] == file.read_bytes()
    assert len(homes) == 8
    assert all(len(splits) == 1 for splits in homes.values())


def test_the_digest_is_of_pixels_and_the_same_bytes_come_again(tmp_path: Path) -> None:
    street(tmp_path / "in", 6, domains=FEW)
    before = build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "a")
    build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "b")
    assert digest_folder(tmp_path / "a") == digest_folder(tmp_path / "b")
    file = tmp_path / "in/House3/normal/point_1_view_1_domain_normal.png"
    with Image.open(file) as picture:
        picture.save(file, compress_level=1)
    assert build_dataset("y", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "b").digest == before.digest
    file.write_bytes(encoded(rgb(999)))
    assert build_dataset("y", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "b").digest != before.digest


def lacking(root: Path) -> None:
    (root / "House1/normal/point_1_view_1_domain_normal.png").unlink()
    (root / "House2/rgb/point_0_view_0_domain_rgb.png").unlink()


def eight_bits(root: Path) -> None:
    file = root / "House0/depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"
    with Image.open(file) as picture:
        file.write_bytes(encoded((np.asarray(picture) // 256).astype(np.uint8)))


def wrapped(root: Path) -> None:
    file = root / "House0/depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"
    with Image.open(file) as picture:
        file.write_bytes(encoded(Image.fromarray(np.asarray(picture) % 256)))


def another_size_of_view(root: Path) -> None:
    (root / "House0/rgb/point_1_view_1_domain_rgb.png").write_bytes(encoded(rgb(1, 32)))


def another_size_of_domain(root: Path) -> None:
    (root / "House0/normal/point_1_view_1_domain_normal.png").write_bytes(encoded(rgb(1, 32)))


def no_masks(root: Path) -> None:
    for folder in root.glob("*/depth_zbuffer"):
        shutil.rmtree(folder)


def twice(root: Path) -> None:
    shutil.copytree(root / "House0" / "normal", root / "normal" / "House0")


def no_rgb(root: Path) -> None:
    for folder in root.glob("*/rgb"):
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lacking, "lacks 2 files of its 18 views: House1/point_1_view_1 lacks normal, House2/point_0_view_0 lacks rgb"),
        (
            eight_bits,
            "House0/point_0_view_0 depth_zbuffer has 8 bits a channel in colour mode L; expected a PNG file of",
        ),
        (wrapped, "House0/point_0_view_0 depth_zbuffer has no value above 255, which is 0.50 metres; expected 16 bits"),
        (another_size_of_view, "House0/point_1_view_1 rgb has 32x32 pixels; expected 24x24, as the files before it"),
        (another_size_of_domain, "House0/point_1_view_1 normal has 32x32 pixels; expected 24x24, as the files before"),
        (no_masks, "which holds normal but neither depth_zbuffer nor mask_valid; expected one of them"),
        (twice, "are of one view and domain; expected one file each"),
        (no_rgb, "which holds no files rgb/point_*_view_*_domain_rgb.png; expected Taskonomy's folders"),
    ],
)
def test_a_spoilt_street_is_told_in_one_sentence_and_leaves_what_was_there(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    street(tmp_path / "in", 6, domains=FEW)
    build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "out")
    before = digest_folder(tmp_path / "out")
    spoil(tmp_path / "in")
    with pytest.raises(InputError) as caught:
        build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "out")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert digest_folder(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_domains_that_are_not_there_and_too_few_buildings_are_told(tmp_path: Path) -> None:
    street(tmp_path, 2, domains=FEW)
    with pytest.raises(
        InputError, match=r"domains has reshading, of which .* holds no files; expected some of depth_z"
    ):
        read_taskonomy("x", taskonomy(tmp_path, domains=["normal", "reshading"]))
    with pytest.raises(InputError, match=r"has 2 buildings or rooms \(House0, House1\) and none in "):
        build_dataset("x", taskonomy(tmp_path), SPLIT, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,train,val\na,1,0\n", "has the columns id, train, val; expected id, train, val and test"),
        ("id,train,val,test\na,1,1,0\n", "the building 'a' has train, val and test 1, 1, 0; expected 0 or 1"),
        ("id,train,val,test\na,1\n", "the building 'a' has train, val and test 1, None, None; expected 0 or 1"),
        ("", r"has the columns \(none\)"),
        ("id,train,val,test\nelsewhere,1,0,0\n", "names none of the buildings in .* \\(House0, House1\\)"),
    ],
)
def test_wrong_split_files_are_told(tmp_path: Path, text: str, says: str) -> None:
    street(tmp_path / "in", 2, domains=FEW)
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        read_taskonomy("x", taskonomy(tmp_path / "in", split_file=str(tmp_path / "splits.csv")))


def test_depth_all_missing_is_no_sign_of_eight_bits(tmp_path: Path) -> None:
    street(tmp_path / "in", 6, domains=("depth_zbuffer",))
    file = tmp_path / "in/House0/depth_zbuffer/point_0_view_0_domain_depth_zbuffer.png"
    file.write_bytes(flat_depth(200))
    build_dataset("x", taskonomy(tmp_path / "in"), SPLIT, tmp_path / "out")
