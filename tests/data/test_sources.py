"""Every format gives the same records; broken sources are told in one sentence."""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from taskzoo.data.record import Record
from taskzoo.data.sources import read
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams
from tests.data.pictures import dataset, encoded, image_folder, noise


def records(params: DatasetParams) -> list[Record]:
    source = read("toy", params)
    found = list(source.records)
    assert len(found) == source.count
    return found


def refused(params: DatasetParams) -> str:
    with pytest.raises(InputError) as caught:
        records(params)
    message = str(caught.value)
    assert "\n" not in message
    assert "expected" in message
    return message


def test_folder_of_classes(tmp_path: Path) -> None:
    image_folder(tmp_path, {"cat": 2, "dog": 1})
    (tmp_path / "README.txt").write_text("told to people")
    (tmp_path / "cat" / ".DS_Store").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "dog" / "puppies").mkdir()
    (tmp_path / "dog" / "puppies" / "p.png").write_bytes(encoded(noise(9)))
    assert [(r.path, r.label, r.group, r.split) for r in records(dataset(tmp_path))] == [
        ("cat/000.png", "cat", None, None),
        ("cat/001.png", "cat", None, None),
        ("dog/000.png", "dog", None, None),
        ("dog/puppies/p.png", "dog", None, None),
    ]


@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_folder_with_splits(tmp_path: Path, val: str) -> None:
    for split in ("train", val, "test"):
        image_folder(tmp_path / split, {"cat": 1, "dog": 1})
    found = records(dataset(tmp_path))
    assert [r.split for r in found] == ["test", "test", "train", "train", "val", "val"]
    assert {r.label for r in found} == {"cat", "dog"}


def test_group_is_read_from_the_path(tmp_path: Path) -> None:
    image_folder(tmp_path, {"cat": 2})
    (tmp_path / "cat" / "000.png").rename(tmp_path / "cat" / "house7_a.png")
    (tmp_path / "cat" / "001.png").rename(tmp_path / "cat" / "house12_b.png")
    assert [r.group for r in records(dataset(tmp_path, group=r"house(\d+)_"))] == ["12", "7"]
    assert "finds no group in the path 'cat/house12_b.png'" in refused(dataset(tmp_path, group=r"room(\d+)"))
    assert "not a regular expression" in refused(dataset(tmp_path, group="(house"))
    assert "with 0 groups" in refused(dataset(tmp_path, group="house"))


def no_folder(root: Path) -> Path:
    return root / "nowhere"


def no_classes(root: Path) -> Path:
    root.joinpath("notes.txt").write_text("x")
    return root


def empty_class(root: Path) -> Path:
    image_folder(root, {"cat": 2, "dog": 0})
    return root


def stray_image(root: Path) -> Path:
    image_folder(root, {"cat": 2, "dog": 2})
    root.joinpath("stray.jpg").write_bytes(encoded(noise(1), "JPEG"))
    return root


def other_kind(root: Path) -> Path:
    path = root / "images.csv"
    path.write_text("a,b")
    return path


def broken_link(root: Path) -> Path:
    image_folder(root, {"cat": 1, "dog": 1})
    root.joinpath("cat", "gone.png").symlink_to(root / "missing.png")
    return root


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_folder, "which does not exist"),
        (no_classes, "holds no folders"),
        (empty_class, "dog is empty"),
        (stray_image, "stray.jpg lies outside the class folders"),
        (other_kind, "a file of no known format"),
        (broken_link, "gone.png cannot be read (No such file or directory)"),
    ],
)
def test_bad_folders(tmp_path: Path, make: Callable[[Path], Path], says: str) -> None:
    assert says in refused(dataset(make(tmp_path)))


def table(labels: list[object], names: list[str] | None = None, groups: list[str] | None = None) -> pa.Table:
    rows = [{"bytes": encoded(noise(i)), "path": f"{i}.png"} for i in range(len(labels))]
    out = pa.table({"image": rows, "label": labels, **({"group": groups} if groups else {})})
    if names is None:
        return out
    info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    return out.replace_schema_metadata({"huggingface": json.dumps(info)})


def test_parquet_file_with_named_classes_and_groups(tmp_path: Path) -> None:
    pq.write_table(table([1, 0], ["cat", "dog"], ["g", "h"]), tmp_path / "a.parquet")
    found = records(dataset(tmp_path / "a.parquet"))
    assert [(r.path, r.label, r.group, r.split) for r in found] == [
        ("0.png", "dog", "g", None),
        ("1.png", "cat", "h", None),
    ]
    assert found[1].content == encoded(noise(1))


def test_parquet_folder_of_shards_and_plain_bytes(tmp_path: Path) -> None:
    pq.write_table(table([3, 4]), tmp_path / "train-00000-of-00002.parquet")
    pq.write_table(table([4, 3]), tmp_path / "train-00001-of-00002.parquet")
    pq.write_table(table(["3", "4"]), tmp_path / "validation.parquet")
    plain = pa.table({"image": [encoded(noise(0))], "label": [3]})
    pq.write_table(plain, tmp_path / "test.parquet")
    found = records(dataset(tmp_path))
    assert [(r.split, r.label) for r in found] == [
        ("test", "3"), ("train", "3"), ("train", "4"), ("train", "4"), ("train", "3"),
        ("val", "3"), ("val", "4"),
    ]  # fmt: skip
    assert found[0].path == "test/0"


@pytest.mark.parametrize(
    ("labels", "names", "says"),
    [
        ([0, -1, 1], None, "row 1 (-1)"),
        ([0, 1, None], None, "row 2 (None)"),
        ([0, 1, 2], ["a", "b"], "row 2 (2); expected integers from 0 to 1"),
        ([0.0, 1.0], None, "row 0 (0.0), row 1 (1.0)"),
        (["a", ""], None, "row 1 ('')"),
        ([-1] * 9, None, "in 9 rows: row 0 (-1), row 1 (-1), row 2 (-1), row 3 (-1), row 4 (-1) and 4 more"),
    ],
)
def test_labels_out_of_range(tmp_path: Path, labels: list[object], names: list[str] | None, says: str) -> None:
    pq.write_table(table(labels, names), tmp_path / "a.parquet")
    assert says in refused(dataset(tmp_path / "a.parquet"))


def test_bad_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 no")
    assert "not a readable Parquet file" in refused(dataset(path))
    pq.write_table(pa.table({"img": [b""], "label": [0]}), path)
    assert "has the columns img, label; expected image and label" in refused(dataset(path))
    pq.write_table(pa.table({"image": ["a.png"], "label": [0]}), path)
    assert "column image is of type string" in refused(dataset(path))
    pq.write_table(
        pa.table({"image": [{"bytes": b"x", "path": "a"}, {"bytes": None, "path": "b"}], "label": [0, 0]}),
        path,
    )
    assert "row 1: the image has no bytes" in refused(dataset(path))
    assert "belongs to no split" in refused(dataset(tmp_path))


def test_npz_layouts(tmp_path: Path) -> None:
    images = np.stack([noise(i, channels=1) for i in range(4)])
    colour = np.stack([noise(i) for i in range(4)])
    labels = np.array([0, 1, 0, 1], np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=labels)
    np.savez(tmp_path / "b.npz", x_train=colour, y_train=labels[:, None], x_test=images[..., None], y_test=labels)
    np.savez(
        tmp_path / "c.npz",
        train_images=images,
        train_labels=labels,
        val_images=images,
        val_labels=labels,
        test_images=images,
        test_labels=labels,
    )
    assert [(r.path, r.label, r.split) for r in records(dataset(tmp_path / "a.npz"))][:2] == [
        ("images/0", "0", None),
        ("images/1", "1", None),
    ]
    assert [r.split for r in records(dataset(tmp_path / "b.npz"))] == ["train"] * 4 + ["test"] * 4
    assert [r.split for r in records(dataset(tmp_path / "c.npz"))] == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    first = records(dataset(tmp_path / "b.npz"))[0]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(first.content))), colour[0])


class Bomb:
    """Makes a file where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        """Name what unpickling calls."""
        return Path.touch, (Path("exploded"),)


def test_bad_npz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.npz"
    images = np.zeros((3, 8, 8), np.uint8)
    np.savez(path, images=images, labels=np.array([Bomb(), 1, 2], dtype=object))
    assert "not a readable .npz file" in refused(dataset(path))
    assert not (tmp_path / "exploded").exists()
    path.write_bytes(b"text")
    assert "not a readable .npz file" in refused(dataset(path))
    np.savez(path, pictures=images)
    assert "holds the arrays pictures" in refused(dataset(path))
    np.savez(path, images=images / 255, labels=np.zeros(3, int))
    assert "images is float64 [3, 8, 8]" in refused(dataset(path))
    np.savez(path, images=images, labels=np.zeros(2, int))
    assert "shape [2] for 3 images" in refused(dataset(path))
    np.savez(path, images=images, labels=np.array([0, 1, -2]))
    assert "row 2 (-2)" in refused(dataset(path))


def write_idx(path: Path, values: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())


def test_torchvision_set_that_is_there(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.stack([noise(i, channels=1, side=28) for i in range(3)])
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.array([9, 0, 1], np.uint8))
    found = records(dataset(tmp_path, format="torchvision", name="FashionMNIST"))
    assert [(r.label, r.split) for r in found[:4]] == [
        ("Ankle boot", "train"), ("T-shirt/top", "train"), ("Trouser", "train"), ("Ankle boot", "test"),
    ]  # fmt: skip
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(found[2].content))), images[2])


def test_torchvision_sets_that_are_refused(tmp_path: Path) -> None:
    assert "datasets.toy.name is 'CIFAR10'" in refused(dataset(tmp_path, format="torchvision", name="CIFAR10"))
    assert "datasets.toy.name is None" in refused(dataset(tmp_path, format="torchvision"))
    old = tmp_path / "MNIST" / "processed"
    old.mkdir(parents=True)
    (old / "training.pt").write_bytes(b"\x80\x02")
    assert "training.pt is a pickle file" in refused(dataset(tmp_path, format="torchvision", name="MNIST"))


def test_torchvision_set_that_cannot_be_downloaded(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_text("no folder can be made here, so no download can start")
    says = refused(dataset(root, format="torchvision", name="USPS"))
    assert "torchvision's USPS is not in" in says
    assert "cannot be downloaded" in says


def test_embedded_sets_are_the_published_ones() -> None:
    digits = records(dataset("taskzoo/data/embedded.py", format="digits"))
    assert len(digits) == 1797
    assert [r.label for r in digits[:5]] == ["0", "1", "2", "3", "4"]
    top = np.asarray(Image.open(io.BytesIO(digits[0].content)))[0]
    # The first row of scikit-learn's first digit is 0 0 5 13 9 1 0 0 of 16.
    np.testing.assert_array_equal(top, np.rint(np.array([0, 0, 5, 13, 9, 1, 0, 0]) * 255 / 16))
    mnist = records(dataset("taskzoo/data/embedded.py", format="mnist5k"))
    assert {label: sum(r.label == label for r in mnist) for label in "0123456789"} == dict.fromkeys("0123456789", 500)
