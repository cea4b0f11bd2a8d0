"""Dense tasks in memory: from stored domains, from any images, from rooms."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from taskzoo.data.dense.domains import COMPUTED, DOMAINS
from taskzoo.data.dense.rooms.source import MAPS, render
from taskzoo.data.dense.tasks import DenseTask, load_dense_task
from taskzoo.data.dense.views import encoding_of
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset, load_manifest, load_split
from taskzoo.data.tasks import load_task
from taskzoo.errors import InputError
from taskzoo.files import digest_folder
from taskzoo.params import DatasetParams, Params, SizeParams, SplitParams, TargetName, TaskParams, parse_params
from tests.data.dense.houses import IMAGES, SIDE, flat_depth, hole, rgb, sample, street
from tests.data.pictures import dataset, image_folder

SPLIT = SplitParams(val=0.25, test=0.25)
SIZES = SizeParams(train=100, val=100, test=100)
# The ten tasks of the Fisher task distance paper.
TEN: tuple[TargetName, ...] = (
    "depth_euclidean",
    "depth_zbuffer",
    "edge_occlusion",
    "edge_texture",
    "keypoints2d",
    "keypoints3d",
    "normal",
    "principal_curvature",
    "reshading",
    "autoencoding",
)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("houses")
    params = DatasetParams(path=str(street(folder / "in", 8)), format="taskonomy")
    build_dataset("houses", params, SPLIT, folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms") / "out"
    params = DatasetParams(path="taskzoo/data/dense/rooms", format="rooms", rooms=10, views=2, image_size=32)
    build_dataset("rooms", params, SPLIT, folder)
    return folder


def load(folder: Path, target: TargetName, size: int = SIDE, sizes: SizeParams = SIZES) -> DenseTask:
    return load_dense_task("it", TaskParams(dataset="x", target=target), folder, sizes, size, 0)


@pytest.mark.parametrize("target", IMAGES)
def test_a_stored_target_is_the_files_values_where_they_are_valid(houses: Path, target: TargetName) -> None:
    task, domain = load(houses, target), DOMAINS[target]
    seeds = {rgb(100 * house + view).tobytes(): 100 * house + view for house in range(8) for view in range(3)}
    seen = 0
    for split in SPLITS:
        found = task.splits[split]
        assert found.targets.dtype == np.float32
        assert found.targets.shape == (len(found.images), domain.channels, SIDE, SIDE)
        assert found.valid.shape == (len(found.images), 1, SIDE, SIDE)
        assert np.isfinite(found.targets).all()
        for image, values, valid in zip(found.images, found.targets, found.valid[:, 0], strict=True):
            seed = seeds[image.transpose(1, 2, 0).tobytes()]
            encoding = encoding_of(target)
            expected_valid = np.ones((SIDE, SIDE), bool)
            if domain.by_depth:
                start = seed % (SIDE - 8)
                # The hole of five by five, and one pixel around it.
                expected_valid[max(start - 1, 0) : start + 6, 1:8] = False
            assert (valid == expected_valid).all()
            mask = hole(seed) if domain.by_depth else np.ones((SIDE, SIDE), bool)
            stored = encoding.read(encoding.write(sample(target, seed), mask), "x")
            expected = domain.scale(np.where(mask, encoding.decode(stored), 0))
            assert values[:, valid] == pytest.approx(expected[:, valid], abs=1e-5)
            seen += 1
    assert seen == 24


def test_uncertain_classes_are_masked_and_others_count_from_background(houses: Path) -> None:
    train = load(houses, "segment_semantic").train
    assert set(np.unique(train.targets)) <= set(range(17))
    assert DOMAINS["segment_semantic"].classes == 17


def test_targets_and_masks_take_the_nearest_pixel(houses: Path) -> None:
    whole, half = load(houses, "depth_zbuffer").train, load(houses, "depth_zbuffer", SIDE // 2).train
    assert half.targets == pytest.approx(whole.targets[..., 1::2, 1::2] * (half.targets != 0), abs=1e-6)
    assert half.images.shape[1:] == (3, SIDE // 2, SIDE // 2)
    # Every valid value is one of the file's, none a mixture with a hole.
    assert half.targets[half.valid].max() <= np.log1p(9 * 512) / np.log(65536) + 1e-6


def test_a_mask_of_omnidata_serves_where_depth_is_absent(tmp_path: Path) -> None:
    street(tmp_path / "in", 8, domains=("normal",))
    for house in range(8):
        for view in range(3):
            folder = tmp_path / f"in/House{house}/mask_valid"
            folder.mkdir(exist_ok=True)
            seen = hole(3)
            content = encoding_of("mask_valid").write(seen[None].astype(float), np.ones_like(seen))
            (folder / f"point_{view}_view_{view}_domain_mask_valid.png").write_bytes(content)
    build_dataset("x", DatasetParams(path=str(tmp_path / "in"), format="taskonomy"), SPLIT, tmp_path / "out")
    train = load(tmp_path / "out", "normal").train
    expected = np.ones((SIDE, SIDE), bool)
    expected[2:9, 1:8] = False
    assert (train.valid == expected).all()


@pytest.mark.parametrize("target", TEN)
def test_rooms_give_the_ten_tasks_of_the_paper(rooms: Path, target: TargetName) -> None:
    task = load(rooms, target, 32)
    assert task.synthetic
    assert sum(len(task.splits[split].images) for split in SPLITS) == 20
    values = np.moveaxis(task.train.targets, 1, -1)[task.train.valid[:, 0]]
    assert (values.std(0) > 0.01).all()


def test_rooms_are_marked_and_stay_in_one_split(rooms: Path) -> None:
    manifest = load_manifest(rooms)
    assert manifest.synthetic
    assert manifest.source.format == "rooms"
    assert manifest.domains == list(MAPS)
    homes = [set(manifest.counts[split]) for split in SPLITS]
    assert all(homes)
    assert len(set.union(*homes)) == sum(map(len, homes)) == 10


def test_rooms_are_the_same_for_a_seed_and_do_not_move_when_others_come(tmp_path: Path) -> None:
    def build(name: str, **options: int) -> dict[str, str]:
        params = DatasetParams.model_validate(
            {"path": "x", "format": "rooms", "rooms": 8, "views": 1, "image_size": 16, **options}
        )
        build_dataset("x", params, SPLIT, tmp_path / name)
        return {
            row["image"]["path"]: split + row["digest"]
            for split in SPLITS
            for row in load_split(tmp_path / name, split).to_pylist()
        }

    before = build("a")
    build("b")
    assert digest_folder(tmp_path / "a") == digest_folder(tmp_path / "b")
    assert before.items() < build("c", rooms=9, views=2).items()
    assert not set(before.values()) & set(build("d", seed=1).values())
    assert len(set(before.values())) == 8


def test_a_rooms_image_and_maps_show_one_scene() -> None:
    files = render(0, 1, 2, 48)
    assert set(files) == {"rgb", *MAPS}
    depth = encoding_of("depth_zbuffer").decode(encoding_of("depth_zbuffer").read(files["depth_zbuffer"], "x"))
    distance = encoding_of("depth_euclidean").decode(encoding_of("depth_euclidean").read(files["depth_euclidean"], "x"))
    assert (distance >= depth).all()


@pytest.mark.parametrize("target", [name for name in COMPUTED if name != "jigsaw"])
def test_any_data_set_gives_the_targets_of_its_images(tmp_path: Path, target: TargetName) -> None:
    build_dataset("toy", dataset(image_folder(tmp_path / "in", {"a": 30, "b": 30})), SPLIT, tmp_path / "out")
    few = SizeParams(train=6, val=4, test=4)
    one, other = load(tmp_path / "out", target, 8, few), load(tmp_path / "out", target, 8, few)
    assert not one.synthetic
    assert one.train.targets.shape[1:] == (DOMAINS[target].channels, 8, 8)
    assert (one.train.targets == other.train.targets).all()
    assert (one.train.images == other.train.images).all()
    assert one.train.valid.all()


def test_noise_differs_from_image_to_image(tmp_path: Path) -> None:
    build_dataset("toy", dataset(image_folder(tmp_path / "in", {"a": 30, "b": 30})), SPLIT, tmp_path / "out")
    train = load(tmp_path / "out", "denoising", 16).train
    noise = train.images / 127.5 - 1 - train.targets
    correlations = np.corrcoef(noise.reshape(len(noise), -1))
    assert np.abs(correlations - np.eye(len(noise))).max() < 0.5


def test_sizes_and_seed_choose_images_and_the_digest_tells(houses: Path) -> None:
    few = SizeParams(train=4, val=4, test=4)
    task, again = load(houses, "normal", sizes=few), load(houses, "normal", sizes=few)
    assert len(task.train.images) == 4
    assert task.digest == again.digest != load(houses, "normal").digest
    assert task.digest != load(houses, "reshading", sizes=few).digest
    params = TaskParams(dataset="x", target="normal")
    other = load_dense_task("it", params, houses, few, SIDE, 1, ["train"])
    assert set(other.splits) == {"train"}
    assert (other.train.images != task.train.images).any()


def test_targets_that_are_not_there_are_told(houses: Path, rooms: Path) -> None:
    with pytest.raises(InputError, match=r"tasks.it.target is segment_semantic, which the data set 'rooms' does not"):
        load(rooms, "segment_semantic")
    with pytest.raises(InputError, match=r"tasks.it.target is None"):
        load_dense_task("it", TaskParams(dataset="x"), houses, SIZES, SIDE, 0)


def spoilt(tmp_path: Path, content: bytes) -> Path:
    """Store a street whose depth files all have one content."""
    street(tmp_path / "in", 8, domains=("depth_zbuffer",))
    for file in (tmp_path / "in").rglob("*depth_zbuffer.png"):
        file.write_bytes(content)
    build_dataset("x", DatasetParams(path=str(tmp_path / "in"), format="taskonomy"), SPLIT, tmp_path / "out")
    return tmp_path / "out"


def test_a_split_without_a_valid_pixel_is_told(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, flat_depth(200))
    with pytest.raises(InputError, match=r"the task 'it' has no valid pixel in any of the \d+ images of train"):
        load(folder, "depth_zbuffer")


def test_images_without_a_valid_pixel_are_left_out(tmp_path: Path) -> None:
    street(tmp_path / "in", 8, domains=("depth_zbuffer",))
    for file in (tmp_path / "in").rglob("point_1_*depth_zbuffer.png"):
        file.write_bytes(flat_depth(200))
    build_dataset("x", DatasetParams(path=str(tmp_path / "in"), format="taskonomy"), SPLIT, tmp_path / "out")
    task = load(tmp_path / "out", "depth_zbuffer")
    assert sum(len(task.splits[split].images) for split in SPLITS) == 16
    assert all(task.splits[split].valid.any((1, 2, 3)).all() for split in SPLITS)


def test_a_constant_target_is_told(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, flat_depth(2))
    with pytest.raises(InputError, match=r"of the task 'it' is 0.625\d* in every valid pixel of train; expected one"):
        load(folder, "depth_zbuffer")


def test_a_task_of_classes_is_not_made_of_targets(houses: Path) -> None:
    with pytest.raises(InputError, match=r"tasks.it.dataset has target images in place of classes; expected a"):
        load_task("it", TaskParams(dataset="x"), houses, SIZES, SIDE, 0)


def params_with(task: dict[str, object]) -> Params:
    return parse_params({"datasets": {"x": {"path": "x", "format": "rooms"}}, "tasks": {"it": task}}, "params.yaml")


def test_parameters_name_a_target_or_classes() -> None:
    assert params_with({"dataset": "x", "target": "normal"}).tasks["it"].target == "normal"
    with pytest.raises(InputError, match=r"target is 'normal' beside groups or rest; expected either; drop one"):
        params_with({"dataset": "x", "target": "normal", "groups": {"a": [1]}})
    with pytest.raises(InputError, match=r"tasks.it.target is 'norml'; expected: Input should be 'depth_euclidean'"):
        params_with({"dataset": "x", "target": "norml"})
    assert set(TEN) <= set(get_args(TargetName))


def test_options_of_another_format_are_refused() -> None:
    for options, says in (
        ({"views": 3}, "views is set and format is None; expected format taskonomy or rooms or meshes; drop views"),
        ({"format": "taskonomy", "image_size": 32}, "image_size is set and format is taskonomy; expected format rooms"),
        ({"format": "rooms", "group": "(x)"}, "group is set, which format rooms does not use; drop it"),
    ):
        raw = {"datasets": {"x": {"path": "x", **options}}, "tasks": {"it": {"dataset": "x"}}}
        with pytest.raises(InputError) as caught:
            parse_params(raw, "params.yaml")
        assert f"params.yaml: datasets.x: {says}" in str(caught.value)


def test_what_classification_writes_knows_nothing_of_targets(tmp_path: Path) -> None:
    assert set(TaskParams(dataset="x").model_dump()) == {"dataset", "groups", "rest"}
    build_dataset("toy", dataset(image_folder(tmp_path / "in", {"a": 30, "b": 30})), SPLIT, tmp_path / "out")
    text = (tmp_path / "out" / "manifest.json").read_text()
    assert "domains" not in text
    assert "synthetic" not in text
