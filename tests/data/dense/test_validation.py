"""Stored views meet expectations of their own beside those of all images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taskzoo.data.dense.encodings import DEPTH
from taskzoo.data.store import build_dataset
from taskzoo.data.validation import RESULT, ValidationResult, validate
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams, SplitParams
from taskzoo.records import read_json
from tests.data.dense.houses import SIDE, flat_depth, street

Row = dict[str, Any]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    params = DatasetParams(
        path=str(street(tmp_path / "in", 8, domains=("depth_zbuffer", "normal"))), format="taskonomy"
    )
    build_dataset("street", params, SplitParams(val=0.25, test=0.25), tmp_path / "out")
    return tmp_path / "out"


def edit(folder: Path, change: Callable[[Row], None]) -> str:
    """Change the first row of train behind the store's back; returns its path."""
    table = pq.read_table(folder / "train.parquet")
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / "train.parquet")
    return f"train/{rows[0]['image']['path']}"


def test_a_good_street_passes(stored: Path, tmp_path: Path) -> None:
    result = validate(stored, tmp_path / "result", tmp_path / "docs")
    assert result.images == 24
    columns = [each.column for each in result.results]
    assert {"targets", "seen", "group_in_other_split", "digest_matches"} < set(columns)
    assert not {"label", "split_class", "imbalance", "digest_in_other_class"} & set(columns)
    assert all(each.success for each in result.results)


def cut_normal(row: Row) -> None:
    row["normal"] = row["normal"][:-400]


def other_size(row: Row) -> None:
    row["depth_zbuffer"] = DEPTH.write(np.ones((1, SIDE, SIDE + 1)), np.ones((SIDE, SIDE + 1), bool))


@pytest.mark.parametrize("change", [cut_normal, other_size])
def test_a_damaged_target_stops_the_pipeline(stored: Path, tmp_path: Path, change: Callable[[Row], None]) -> None:
    path = edit(stored, change)
    with pytest.raises(InputError, match=r"fails expect_column_values_to_be_in_set on targets \(1 of 24 rows: train/"):
        validate(stored, tmp_path / "result", tmp_path / "docs")
    result = read_json(tmp_path / "result" / RESULT, ValidationResult, "validate")
    assert {each.column: each.failing for each in result.results if not each.success} == {"targets": [path]}


def test_a_view_that_shows_nothing_is_told_and_stops_nothing(stored: Path, tmp_path: Path) -> None:
    path = edit(stored, lambda row: row.update(depth_zbuffer=flat_depth(200)))
    result = validate(stored, tmp_path / "result", tmp_path / "docs")
    assert {each.column: each.failing for each in result.results if not each.success} == {"seen": [path]}
