"""A task is balanced, repeatable, and refuses label maps that do not fit."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.labels import DROPPED, label_map
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset, load_manifest, load_split
from taskzoo.data.tasks import TaskSplit, draw, few_shot, load_task
from taskzoo.errors import InputError
from taskzoo.params import SizeParams, SplitParams, TaskParams
from tests.data.pictures import dataset, encoded, image_folder, noise

CLASSES = ["0", "1", "2", "3"]
SIZES = SizeParams(train=40, val=8, test=8)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tasks")
    image_folder(root / "in", {"0": 40, "1": 50, "2": 60, "3": 40})
    (root / "in" / "3" / "grey.png").write_bytes(encoded(noise(999, channels=1)))
    build_dataset("toy", dataset(root / "in"), SplitParams(), root / "out")
    return root / "out"


def task(**fields: object) -> TaskParams:
    return TaskParams.model_validate({"dataset": "toy", **fields})


def test_identity_is_balanced_and_of_one_size(stored: Path) -> None:
    found = load_task("t", task(), stored, SIZES, 6, seed=0)
    assert found.classes == ("0", "1", "2", "3")
    assert found.dataset_digest == load_manifest(stored).digest
    for split, size in (("train", 40), ("val", 8), ("test", 8)):
        part = found.splits[split]
        assert part.images.shape == (size, 3, 6, 6)
        assert part.images.dtype == np.uint8
        assert np.bincount(part.labels).tolist() == [size // 4] * 4
    assert len(np.unique(found.train.labels[:10])) > 1, "the order mixes the classes"


def test_pixels_are_those_of_the_file(stored: Path) -> None:
    every = load_task("t", task(), stored, SizeParams(train=4000, val=4000, test=4000), 8, seed=0)
    pictures = {image.tobytes() for part in every.splits.values() for image in part.images}
    originals = {noise(seed).transpose(2, 0, 1).tobytes() for seed in range(190)}
    greys = {np.stack([noise(999, channels=1)] * 3).tobytes()}
    assert pictures <= originals | greys
    smallest = [min(load_manifest(stored).counts[split].values()) for split in SPLITS]
    assert [len(every.splits[split].labels) for split in SPLITS] == [4 * count for count in smallest]


def test_groups_and_rest(stored: Path) -> None:
    groups = {"odd": [1, "3"], "zero": [0]}
    dropped = load_task("t", task(groups=groups), stored, SIZES, 8, seed=0)
    assert dropped.classes == ("odd", "zero")
    rest = load_task("t", task(groups=groups, rest="other"), stored, SIZES, 8, seed=0)
    assert rest.classes == ("odd", "zero", "other")
    labels = {
        image["bytes"]: label
        for split in SPLITS
        for image, label in zip(*(load_split(stored, split)[c].to_pylist() for c in ("image", "label")), strict=True)
    }
    by_pixels = {noise(seed).transpose(2, 0, 1).tobytes(): labels[encoded(noise(seed))] for seed in range(190)}
    target = {0: "zero", 1: "odd", 2: "other", 3: "odd"}
    for image, label in zip(rest.train.images, rest.train.labels, strict=True):
        if image.tobytes() in by_pixels:  # all but the grey one
            assert target[by_pixels[image.tobytes()]] == rest.classes[label]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"groups": {"a": [7], "b": [0]}}, "tasks.t.groups.a has '7', which is no class"),
        ({"groups": {"a": [0, 1], "b": [1]}}, "tasks.t.groups has '1' twice, in a and b"),
        ({"groups": {"a": [0, 0], "b": [1]}}, "tasks.t.groups has '0' twice, in a and a"),
        ({"groups": {"a": [], "b": [1]}}, "tasks.t.groups.a is empty"),
        ({"groups": {"a": [0]}}, "makes only the class 'a'"),
        ({"groups": {"a": [0], "b": [1, 2, 3]}, "rest": "c"}, "which is empty"),
        ({"groups": {"a": [0], "b": [1]}, "rest": "a"}, "which is also a group"),
        ({"rest": "a"}, "without groups"),
    ],
)
def test_label_maps_that_do_not_fit(fields: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as caught:
        label_map("t", task(**fields), CLASSES)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.permutations(range(4)), st.integers(1, 3), st.booleans())
def test_label_map_sends_every_class_where_it_was_put(order: list[int], cut: int, rest: bool) -> None:
    groups = {"first": order[:cut], "second": order[cut : cut + 1]}
    keep_rest = rest and cut < 3
    found = label_map("t", task(groups=groups, rest="rest" if keep_rest else None), CLASSES)
    for number in range(4):
        wanted = 0 if number in groups["first"] else 1 if number in groups["second"] else 2 if keep_rest else DROPPED
        assert found.targets[number] == wanted


def test_sizes_below_one_image_a_class_are_refused(stored: Path) -> None:
    five = SizeParams(train=40, val=4, test=8)
    assert len(load_task("t", task(), stored, five, 8, seed=0).val.labels) == 4
    three = SizeParams.model_construct(train=40, val=3, test=8)
    with pytest.raises(InputError, match=r"sizes\.val is 3 for the 4 classes"):
        load_task("t", task(), stored, three, 8, seed=0)


def test_same_arguments_same_task_and_the_digest_follows_them(stored: Path) -> None:
    base = load_task("t", task(), stored, SIZES, 8, seed=0)
    again = load_task("other name", task(), stored, SIZES, 8, seed=0, splits=("val",))
    assert again.digest == base.digest
    assert list(again.splits) == ["val"]
    np.testing.assert_array_equal(again.val.images, base.val.images)
    spelled = load_task("t", task(groups={c: [c] for c in CLASSES}), stored, SIZES, 8, seed=0)
    assert spelled.digest == base.digest
    others = [
        load_task("t", task(), stored, SIZES, 8, seed=1),
        load_task("t", task(), stored, SIZES, 9, seed=0),
        load_task("t", task(), stored, SizeParams(train=44, val=8, test=8), 8, seed=0),
        load_task("t", task(groups={"a": [0], "b": [1]}), stored, SIZES, 8, seed=0),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 5
    assert not np.array_equal(others[0].train.images, base.train.images)


def test_choice_is_nested_in_size(stored: Path) -> None:
    small = load_task("t", task(), stored, SIZES, 8, seed=0).train
    large = load_task("t", task(), stored, SizeParams(train=80, val=8, test=8), 8, seed=0).train
    assert {i.tobytes() for i in small.images} <= {i.tobytes() for i in large.images}


def numbered(counts: list[int]) -> TaskSplit:
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 1, 1), np.uint8)
    return TaskSplit(images, labels)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(1, 80), st.integers(0, 5))
def test_draw_is_balanced_repeatable_and_without_repeats(counts: list[int], count: int, seed: int) -> None:
    split = numbered(counts)
    found = draw(split, count, seed)
    quota = min(max(1, count // len(counts)), min(counts))
    assert np.bincount(found.labels, minlength=len(counts)).tolist() == [quota] * len(counts)
    rows = found.images[:, 0, 0, 0]
    assert len(set(rows.tolist())) == len(rows)
    np.testing.assert_array_equal(split.labels[rows], found.labels)
    np.testing.assert_array_equal(draw(split, count, seed).images, found.images)


def test_few_shot_takes_so_many_a_class_and_differs_by_seed() -> None:
    split = numbered([30, 30])
    one, other = few_shot(split, 5, seed=0), few_shot(split, 5, seed=1)
    assert np.bincount(one.labels).tolist() == [5, 5]
    assert set(one.images[:, 0, 0, 0].tolist()) != set(other.images[:, 0, 0, 0].tolist())
