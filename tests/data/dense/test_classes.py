"""Soft labels of whole images, from scores: which are kept, their shares, files that are lacking or damaged."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from timm.data import ImageNetInfo

from taskzoo.data.dense.classes import OBJECTS, OBJECTS_KNOWN, SCENES, SCENES_KNOWN
from taskzoo.data.dense.encodings import OBJECT, SCENE
from taskzoo.data.dense.tasks import load_dense_task
from taskzoo.data.dense.views import encoding_of
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset, load_split
from taskzoo.data.validation import RESULT, ValidationResult, validate
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams, SizeParams, SplitParams, TargetName, TaskParams
from taskzoo.records import read_json
from tests.data.dense.houses import SIDE, WHOLE, rgb, sample, street
from tests.data.pictures import encoded

SPLIT = SplitParams(val=0.25, test=0.25)
SIZES = SizeParams(train=100, val=100, test=100)


def npy(values: Any, pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=pickle)
    return buffer.getvalue()


def scores(known: int, **of: float) -> bytes:
    """Return a file of zeros but for some classes, ``c409=5``."""
    values = np.zeros(known, np.float32)
    for name, score in of.items():
        values[int(name[1:])] = score
    return npy(values)


def test_the_kept_objects_are_those_of_taskonomys_list() -> None:
    names = ImageNetInfo("imagenet-1k")
    assert len(set(OBJECTS)) == 100
    assert list(OBJECTS) == sorted(OBJECTS)
    # Its first, its last, and some that are easily taken for another.
    for place, name in {0: "n02672831", 7: "n02808440", 82: "n04344873", 85: "n04398044", 99: "n15075141"}.items():
        assert names.index_to_label_name(OBJECTS[place]) == name
    assert names.index_to_description(OBJECTS[60]).startswith("pool table")


def test_the_kept_scenes_are_63_of_places() -> None:
    assert len(set(SCENES)) == 63
    assert list(SCENES) == sorted(SCENES)
    # Alcove, bathroom, bedroom, corridor, kitchen, living room, staircase, youth hostel.
    assert {3, 45, 52, 106, 203, 215, 317, 363} <= set(SCENES)


def test_soft_labels_are_the_softmax_of_objects_and_shares_of_scenes_that_are_kept() -> None:
    raw = OBJECT.read(scores(OBJECTS_KNOWN, c0=9, c402=3, c409=5), "x")
    found = OBJECT.decode(raw)
    assert found.shape == (100, 1, 1)
    whole = 98 + np.exp(3) + np.exp(5)
    assert found[[0, 1, 2], 0, 0] == pytest.approx(np.array([1, np.exp(3), np.exp(5)]) / whole)
    assert OBJECT.valid(raw).tolist() == [[True]]
    scene = SCENE.decode(SCENE.read(scores(SCENES_KNOWN, c0=0.9, c3=0.2, c363=0.6), "x"))[:, 0, 0]
    assert (scene[0], scene[62], scene.sum()) == pytest.approx((0.25, 0.75, 1))


def test_a_constant_does_not_change_the_softmax_nor_a_factor_the_shares() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        logits, shares = rng.normal(0, 300, OBJECTS_KNOWN), rng.dirichlet(np.ones(SCENES_KNOWN))
        pairs = ((OBJECT, logits, logits + 1e3), (SCENE, shares, 7 * shares))
        for encoding, one, other in pairs:
            found = [encoding.decode(encoding.read(npy(each), "x")) for each in (one, other)]
            assert found[0] == pytest.approx(found[1], abs=1e-9)
            assert found[0].sum() == pytest.approx(1)


def test_where_no_class_that_is_kept_is_better_than_another_nothing_is_said() -> None:
    for content in (scores(SCENES_KNOWN), scores(SCENES_KNOWN, c0=1)):
        assert SCENE.valid(SCENE.read(content, "x")).tolist() == [[False]]


@pytest.mark.parametrize("domain", WHOLE)
def test_soft_labels_survive_a_file(domain: str) -> None:
    encoding, values = encoding_of(domain), sample(domain, 1)
    raw = encoding.read(encoding.write(values, np.ones((1, 1), bool)), "x")
    assert encoding.decode(raw) == pytest.approx(values, abs=1e-12)
    assert encoding.valid(raw).all()
    assert not encoding.valid(encoding.read(encoding.write(values, np.zeros((1, 1), bool)), "x")).any()


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "u1"])
def test_numbers_of_any_kind_and_one_row_are_read(kind: str) -> None:
    values = np.zeros((1, SCENES_KNOWN), kind)
    values[0, 52] = 1
    assert SCENE.decode(SCENE.read(npy(values), "x")).argmax() == SCENES.index(52)


class Burglar:
    """An object whose unpickling writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a load would run."""
        return Path.write_text, (self.path, "was here")


def test_pickled_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a/point_1_view_2 it is damaged"):
        SCENE.read(npy(np.array([Burglar(tmp_path / "mark")] * SCENES_KNOWN), pickle=True), "a/point_1_view_2 it")
    assert not (tmp_path / "mark").exists()


def archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, np.ones(SCENES_KNOWN))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (npy(np.ones(1000)), r"holds float64 of shape \[1000\]; expected a .npy file of 365 finite numbers; copy it"),
        (npy(np.ones((SCENES_KNOWN, 2))), r"holds float64 of shape \[365, 2\]; expected"),
        (npy(np.array("kitchen")), r"holds <U7 of shape \[\]; expected"),
        (npy(np.zeros(SCENES_KNOWN, complex)), r"holds complex128 of shape"),
        (npy(np.full(SCENES_KNOWN, np.nan)), "holds nan; expected a .npy file of 365 finite numbers"),
        (scores(SCENES_KNOWN, c3=np.inf), "holds inf; expected"),
        (scores(SCENES_KNOWN, c3=-0.5), "holds -0.5; expected a .npy file of 365 finite numbers, none below 0; copy"),
        (scores(SCENES_KNOWN)[:-1], r"is damaged \("),
        (scores(SCENES_KNOWN)[:40], r"is damaged \("),
        (scores(SCENES_KNOWN).replace(b"(365,), }", b"(9" + b"9" * 13 + b",), }"), r"is damaged \("),
        (archive(), r"is damaged \("),
        (encoded(rgb(1)), r"is damaged \("),
        (b"", r"is damaged \("),
    ],
)
def test_other_files_are_refused_in_one_sentence(content: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        SCENE.read(content, "a/point_1_view_2 it")
    assert str(caught.value).startswith("a/point_1_view_2 it ")
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Reading")
def test_no_damage_to_the_header_is_anything_but_told() -> None:
    rng, whole = np.random.default_rng(0), scores(SCENES_KNOWN, c3=1)
    told = 0
    for _ in range(300):
        content = bytearray(whole)
        content[rng.integers(128)] = rng.choice(list(b"(){}'\",0O\n#\\\xff"))
        try:
            SCENE.read(bytes(content), "x")
        except InputError:
            told += 1
    assert told > 100


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Write a street where every second view lacks its scene, and one view every class."""
    street(tmp_path / "in", 8, views=4, domains=("edge_texture", *WHOLE))
    for file in (tmp_path / "in").rglob("point_[13]_*_class_places.npy"):
        file.unlink()
    (tmp_path / "in/House0/class_object/point_1_view_1_domain_class_object.npy").unlink()
    return tmp_path / "in"


def store(houses: Path) -> Path:
    folder = houses.parent / "out"
    manifest = build_dataset("street", DatasetParams(path=str(houses), format="taskonomy"), SPLIT, folder)
    assert manifest.domains == ["edge_texture", *WHOLE]
    return folder


@pytest.mark.parametrize(("target", "images"), [("class_object", 31), ("class_scene", 16), ("edge_texture", 32)])
def test_views_that_lack_their_file_are_left_out(houses: Path, target: TargetName, images: int) -> None:
    task = load_dense_task("it", TaskParams(dataset="x", target=target), store(houses), SIZES, SIDE, 0)
    assert sum(len(task.splits[split].images) for split in SPLITS) == images
    if target == "edge_texture":
        return
    assert task.domain.classes == {"class_object": 100, "class_scene": 63}[target]
    seeds = {rgb(100 * house + view).tobytes(): 100 * house + view for house in range(8) for view in range(4)}
    for split in task.splits.values():
        assert split.targets.shape == (len(split.images), task.domain.classes, 1, 1)
        assert split.valid.shape == (len(split.images), 1, 1, 1)
        assert split.valid.all()
        pictures = split.images.transpose(0, 2, 3, 1)
        expected = np.stack([sample(target, seeds[image.tobytes()]) for image in pictures])
        assert split.targets == pytest.approx(expected, abs=1e-6)


def test_files_are_stored_as_they_came_and_null_where_they_lack(houses: Path) -> None:
    folder = store(houses)
    lacking = 0
    for split in SPLITS:
        for row in load_split(folder, split).to_pylist():
            building, stem = row["image"]["path"].split("/")
            file = houses / building / "class_scene" / f"{stem}_domain_class_places.npy"
            assert row["class_scene"] == (file.read_bytes() if file.exists() else None)
            lacking += row["class_scene"] is None
    assert lacking == 16


def test_the_digest_knows_which_files_lack(houses: Path, tmp_path: Path) -> None:
    params = DatasetParams(path=str(houses), format="taskonomy")
    before = build_dataset("x", params, SPLIT, tmp_path / "a").digest
    (houses / "House1/class_object/point_0_view_0_domain_class_object.npy").unlink()
    assert build_dataset("x", params, SPLIT, tmp_path / "a").digest != before


def test_an_image_among_the_scores_is_left_alone(houses: Path) -> None:
    (houses / "House0/class_scene/point_1_view_1_domain_class_places.png").write_bytes(encoded(rgb(1)))
    assert len(load_split(store(houses), "train").to_pylist()) > 0


def test_a_damaged_file_stops_the_dataset_stage(houses: Path) -> None:
    (houses / "House0/class_scene/point_2_view_2_domain_class_places.npy").write_bytes(npy(np.ones(364)))
    with pytest.raises(InputError, match=r"House0/point_2_view_2 class_scene holds float64 of shape \[364\]"):
        store(houses)


def test_validation_tells_of_views_that_lack_a_class_and_stops_at_damage(houses: Path, tmp_path: Path) -> None:
    folder = store(houses)
    result = validate(folder, tmp_path / "result", tmp_path / "docs")
    (seen,) = [each for each in result.results if not each.success]
    assert (seen.column, seen.severity, len(seen.failing)) == ("seen", "warning", 16)
    table = pq.read_table(folder / "train.parquet")
    rows = table.to_pylist()
    rows[0]["class_object"] = npy(np.full(OBJECTS_KNOWN, np.nan))
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / "train.parquet")
    with pytest.raises(InputError, match=r"on targets \(1 of 32 rows: train/"):
        validate(folder, tmp_path / "result", tmp_path / "docs")
    found = read_json(tmp_path / "result" / RESULT, ValidationResult, "validate")
    assert [each.column for each in found.results if not each.success] == ["targets", "seen"]
