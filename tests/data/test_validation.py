"""Each expectation can fail, names its rows, and leaves its result and docs behind."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from taskzoo.data.images import canonical_image
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset, load_manifest
from taskzoo.data.suite import suite
from taskzoo.data.validation import ValidationResult, validate
from taskzoo.errors import InputError
from taskzoo.files import write_json
from taskzoo.params import SplitParams
from tests.data.pictures import dataset, encoded, image_folder, noise

Row = dict[str, Any]
Edit = Callable[[list[Row]], None]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    root = image_folder(tmp_path / "in", {"cat": 40, "dog": 40})
    split = SplitParams(val=0.3, test=0.3)
    build_dataset("toy", dataset(root, group=r"(\d+)\.png"), split, tmp_path / "out")
    return tmp_path / "out"


def edit(folder: Path, split: str, change: Edit) -> list[str]:
    """Change the rows of one split behind the store's back; returns their paths."""
    path = folder / f"{split}.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"][split] = dict.fromkeys(manifest["classes"], 0)
    manifest["counts"][split][manifest["classes"][0]] = len(rows)  # only the sum is looked at when a split is read
    write_json(folder / "manifest.json", manifest)
    return [f"{split}/{row['image']['path']}" for row in rows]


def failure(folder: Path, tmp_path: Path) -> tuple[str, ValidationResult]:
    with pytest.raises(InputError) as caught:
        validate(folder, tmp_path / "result", tmp_path / "docs")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "docs" / "index.html").exists()
    return str(caught.value), ValidationResult.model_validate_json((tmp_path / "result" / "result.json").read_bytes())


def test_a_good_data_set_passes_without_a_network(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*arguments: object, **options: object) -> None:
        raise AssertionError(f"asked the network for {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    result = validate(stored, tmp_path / "result", tmp_path / "docs")
    assert result.success
    assert result.images == 80
    assert [each.failing for each in result.results] == [[]] * len(result.results)
    assert all(each.success for each in result.results)
    assert list((tmp_path / "docs").rglob("*.html"))


def test_result_is_the_same_bytes_every_time(stored: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        validate(stored, tmp_path / name, tmp_path / "docs")
    assert (tmp_path / "a" / "result.json").read_bytes() == (tmp_path / "b" / "result.json").read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["result.json"]
    index = (tmp_path / "docs" / "index.html").read_text()
    assert index.count("toy") > 0


def replace_image(row: Row, content: bytes, *, honest: bool) -> None:
    row["image"]["bytes"] = content
    if honest:
        row["digest"] = canonical_image(content, "x").digest


def break_bytes(rows: list[Row]) -> None:
    replace_image(rows[0], b"no image", honest=False)


def exchange_bytes(rows: list[Row]) -> None:
    replace_image(rows[0], encoded(noise(1, side=9)), honest=False)


def flatten(rows: list[Row]) -> None:
    content = encoded(noise(1)[:2])  # two pixels high
    with pytest.raises(InputError):
        canonical_image(content, "x")
    rows[0]["image"]["bytes"] = content


def wrong_label(rows: list[Row]) -> None:
    rows[0]["label"] = 2


@pytest.mark.parametrize(
    ("change", "column", "also"),
    [
        (break_bytes, "decodable", set()),
        (exchange_bytes, "digest_matches", set()),
        (flatten, "height", {"digest_matches"}),
        (wrong_label, "label", set()),
    ],
)
def test_a_broken_row_is_named(stored: Path, tmp_path: Path, change: Edit, column: str, also: set[str]) -> None:
    paths = edit(stored, "train", change)
    message, result = failure(stored, tmp_path)
    failing = {each.column: each.failing for each in result.results if not each.success}
    assert failing == {each: [paths[0]] for each in {column} | also}
    assert paths[0] in message
    assert "(1 of 80 rows: " in message


def test_a_transparent_channel_is_named(stored: Path, tmp_path: Path) -> None:
    def paint(rows: list[Row]) -> None:
        replace_image(rows[0], encoded(Image.fromarray(noise(1)).convert("RGBA")), honest=False)

    paths = edit(stored, "val", paint)
    _, result = failure(stored, tmp_path)
    assert {each.column: each.failing for each in result.results if not each.success}["channels"] == [paths[0]]


def test_a_class_absent_from_a_split_is_named(stored: Path, tmp_path: Path) -> None:
    def relabel(rows: list[Row]) -> None:
        for row in rows:
            row["label"] = 0

    edit(stored, "val", relabel)
    message, result = failure(stored, tmp_path)
    assert [each.column for each in result.results if not each.success] == ["split_class"]
    assert "absent: val/dog" in message
    assert "expected every class in every split" in message


def test_leaks_between_splits_are_named(stored: Path, tmp_path: Path) -> None:
    train = pq.read_table(stored / "train.parquet").to_pylist()[0]
    paths = edit(stored, "test", lambda rows: rows.append(train))
    message, result = failure(stored, tmp_path)
    failing = {each.column: each.failing for each in result.results if not each.success}
    both = sorted([paths[-1], f"train/{train['image']['path']}"])
    assert failing["digest_in_other_split"] == both
    assert set(both) < set(failing["group_in_other_split"])
    assert "(and 1 more failed expectations)" in message


def test_a_contradicting_label_is_named_beyond_one_percent(stored: Path, tmp_path: Path) -> None:
    def contradict(rows: list[Row]) -> None:
        rows.append({**rows[0], "label": 1 - rows[0]["label"]})

    paths = edit(stored, "train", contradict)
    _, result = failure(stored, tmp_path)
    failing = {each.column: each.failing for each in result.results if not each.success}
    assert failing == {"digest_in_other_class": [paths[0], paths[0]]}


def test_copies_inside_a_split_are_told_but_stop_nothing(stored: Path, tmp_path: Path) -> None:
    paths = edit(stored, "train", lambda rows: rows.extend(rows[:9]))
    result = validate(stored, tmp_path / "result", tmp_path / "docs")
    assert result.success
    told = {each.column: (each.severity, each.failing) for each in result.results if not each.success}
    assert told == {"duplicate": ("warning", sorted(paths[-9:]))}


def test_a_hundredfold_imbalance_is_named(tmp_path: Path) -> None:
    root = image_folder(tmp_path / "in", {"cat": 306, "dog": 0})
    for split in SPLITS:  # one dog in each split, so that 306 to 3 is too much and nothing else is wrong
        (root / split).mkdir()
    cats = sorted((root / "cat").iterdir())
    for number, split in enumerate(SPLITS):
        (root / split / "cat").mkdir()
        for file in cats[number::3]:
            file.rename(root / split / "cat" / file.name)
        image_folder(root / split, {"dog": 1}, first=1000 + number)
    (root / "cat").rmdir()
    (root / "dog").rmdir()
    build_dataset("toy", dataset(root), SplitParams(), tmp_path / "out")
    message, result = failure(tmp_path / "out", tmp_path)
    failed = [each for each in result.results if not each.success]
    assert [each.column for each in failed] == ["imbalance"]
    assert failed[0].failing == [f"{split}/{split}/dog/000.png" for split in sorted(SPLITS)]
    assert "no class more than 100 times as large as another" in message


def test_every_column_has_one_expectation(stored: Path) -> None:
    columns = [check.column for check in suite(load_manifest(stored))]
    assert len(columns) == len(set(columns)), "results are found again by their column"
