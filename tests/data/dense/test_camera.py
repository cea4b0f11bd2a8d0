"""Poses of cameras: vanishing points and room layouts by hand and by another way, and files that are wrong."""

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from taskzoo.data.dense.camera import Box, Pose, PoseFile, room_layout, vanishing_points
from taskzoo.data.dense.domains import LAYOUT_MEANS, LAYOUT_SPREADS
from taskzoo.data.dense.encodings import LAYOUT, VANISHING
from taskzoo.data.dense.taskonomy import read_taskonomy
from taskzoo.data.dense.tasks import DenseTask, load_dense_task
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset
from taskzoo.data.validation import validate
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams, SizeParams, SplitParams, TargetName, TaskParams
from tests.data.dense.houses import LAYOUTS, POSES, SIDE, house, street

Array = npt.NDArray[np.float64]
SPLIT = SplitParams(val=0.25, test=0.25)
SIZES = SizeParams(train=100, val=100, test=100)
UPRIGHT = math.pi / 2  # A camera looks down before it is tilted up about x.


def turn(axis: int, angle: float) -> Array:
    """Return the matrix that turns about an axis."""
    found = np.eye(3)
    one, other = (axis + 1) % 3, (axis + 2) % 3
    found[one, one] = found[other, other] = math.cos(angle)
    found[other, one] = math.sin(angle)
    found[one, other] = -math.sin(angle)
    return found


def pose(rng: np.random.Generator) -> Pose:
    """Make an upright camera that looks anywhere, a little up or down and aslant."""
    x, y, z = (tuple(np.sort(rng.uniform(-5, 5, 2)).tolist()) for _ in range(3))
    return Pose(
        camera_location=tuple(rng.uniform(-3, 3, 3).tolist()),
        camera_rotation_final=(UPRIGHT + rng.uniform(-0.4, 0.4), rng.uniform(-0.05, 0.05), rng.uniform(-3.1, 3.1)),
        bounding_box_ranges=Box(x=x, y=y, z=z),
    )


def test_a_level_camera_by_hand() -> None:
    found = vanishing_points(Pose(camera_rotation_final=(UPRIGHT, 0, 0)))
    assert found is not None
    x, y, z = found.reshape(3, 3)
    assert z == pytest.approx([0, 1, 0])
    # One horizontal axis lies ahead, the other at the side: which is which, and left or right, are all the same.
    assert sorted(x + y) == pytest.approx([-1, 0, 1]) or sorted(x + y) == pytest.approx([-1, -1, 0])
    aslant = vanishing_points(Pose(camera_rotation_final=(UPRIGHT, 0, math.radians(10))))
    assert aslant is not None
    ahead = sorted(aslant.reshape(3, 3)[:2] @ [0, 0, -1])
    assert ahead == pytest.approx([math.sin(math.radians(10)), math.cos(math.radians(10))])


def test_the_box_around_a_camera_by_hand() -> None:
    # The floor lies one metre below it, the ceiling one and a half above.
    box = Box(x=(-2, 3), y=(-1, 4), z=(0, 2.5))
    found = room_layout(Pose(camera_location=(0, 0, 1), camera_rotation_final=(UPRIGHT, 0, 0), bounding_box_ranges=box))
    assert found is not None
    assert found[3:6] == pytest.approx([UPRIGHT, 0, -UPRIGHT])
    assert sorted(found[6:]) == pytest.approx([2.5, 5, 5])
    assert found[1] == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(20))
def test_both_are_what_corners_of_the_box_give(seed: int) -> None:
    one = pose(np.random.default_rng(seed))
    assert one.camera_rotation_final is not None
    assert one.camera_location is not None
    assert one.bounding_box_ranges is not None
    about_x, about_y, about_z = one.camera_rotation_final
    matrix = np.eye(4)
    matrix[:3, :3] = turn(2, about_z) @ turn(1, about_y) @ turn(0, about_x)
    matrix[:3, 3] = one.camera_location
    matrix[[0, 1]] = matrix[1], -matrix[0]

    def degrees(quarter: Array, axis: int) -> float:
        seen = matrix[:3, :3].T @ quarter[:, axis]
        return math.degrees(math.acos(-seen[2]))

    quarters = [turn(2, number * math.pi / 2) for number in range(4)]
    best = min(quarters, key=lambda quarter: degrees(quarter, 0) + degrees(quarter, 1))
    assert vanishing_points(one) == pytest.approx((best.T @ matrix[:3, :3]).ravel())
    best = min(quarters, key=lambda quarter: degrees(quarter, 0))
    whole = np.eye(4)
    whole[:3, :3] = best.T
    box = one.bounding_box_ranges
    walls = np.sort(best.T @ np.array([box.x, [-each for each in reversed(box.y)], box.z]), 1)
    corners = np.array([[*corner, 1] for corner in product(*walls)])
    found = room_layout(one)
    assert found is not None
    assert found[:3] == pytest.approx(np.linalg.solve(whole @ matrix, corners.T).T[:, :3].mean(0))
    turned = turn(2, found[5]) @ turn(1, found[4]) @ turn(0, found[3])
    assert turned == pytest.approx(best.T @ matrix[:3, :3])
    assert found[6:] == pytest.approx(walls[:, 1] - walls[:, 0])


def test_vanishing_points_are_three_directions_at_right_angles_of_which_two_lie_ahead() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = vanishing_points(pose(rng))
        assert found is not None
        axes = found.reshape(3, 3)
        assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
        assert axes[:2, 2].sum() < 0


def test_upright_cameras_lie_where_taskonomys_constants_put_them() -> None:
    rng = np.random.default_rng(0)
    angles = np.array([found[3:6] for found in (room_layout(pose(rng)) for _ in range(200)) if found is not None])
    assert angles.mean(0) == pytest.approx(LAYOUT_MEANS[3:6, 0, 0], abs=0.1)
    assert np.abs(angles[:, 2] - LAYOUT_MEANS[5, 0, 0]).max() < math.pi / 4 + 0.1
    assert LAYOUT_SPREADS.shape == LAYOUT_MEANS.shape == (9, 1, 1)


def content(one: Pose) -> bytes:
    """Return a file as Taskonomy has it, with fields that are not read."""
    return json.dumps(
        {**one.model_dump(), "field_of_view_rads": 1.0, "view_id": 0, "bounding_box": [[0, 0, 0]]}
    ).encode()


def test_a_file_that_does_not_say_enough_is_missing() -> None:
    whole = pose(np.random.default_rng(0))
    for lacking, known in {"bounding_box_ranges": (True, False), "camera_rotation_final": (False, False)}.items():
        less = content(whole.model_copy(update={lacking: None}))
        for encoding, wanted in zip((VANISHING, LAYOUT), known, strict=True):
            raw = encoding.read(less, "x")
            assert raw.shape == (1, 1, 9)
            assert encoding.valid(raw).tolist() == [[wanted]]
    assert not VANISHING.valid(VANISHING.read(b"{}", "x")).any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "its content: Invalid JSON"),
        (b"[1]", "its content: Input should be an object"),
        (b'{"camera_rotation_final": [1, 2]}', "camera_rotation_final.2: Field required"),
        (b'{"camera_rotation_final": "up"}', "camera_rotation_final: Input should be a valid"),
        (b'{"camera_location": [1, 2, NaN]}', "camera_location.2: Input should be a finite number"),
        (b'{"bounding_box_ranges": {"x": [0, 1]}}', "bounding_box_ranges.y: Field required"),
        (b"\x89PNG\r\n", "its content: Invalid JSON"),
    ],
)
@pytest.mark.parametrize("numbers", [vanishing_points, room_layout])
def test_other_files_are_refused_in_one_sentence(text: bytes, says: str, numbers: object) -> None:
    with pytest.raises(InputError, match=says) as caught:
        PoseFile(numbers).read(text, "a/point_1_view_2 room_layout")  # type: ignore[arg-type]
    assert str(caught.value).startswith("a/point_1_view_2 room_layout is not the pose of a camera: ")
    assert "\n" not in str(caught.value)


def furnish(root: Path, folder: str = "points") -> dict[str, Pose]:
    """Give every view of a street its pose; returns them by the view's name."""
    rng, found = np.random.default_rng(0), {}
    for image in sorted(root.rglob("*_domain_rgb.png")):
        stem = image.name.removesuffix("_domain_rgb.png")
        building = image.parent.parent
        (building / folder).mkdir(exist_ok=True)
        found[f"{building.name}/{stem}"] = pose(rng)
        (building / folder / f"{stem}_domain_fixatedpose.json").write_bytes(content(found[f"{building.name}/{stem}"]))
    return found


@pytest.mark.parametrize("folder", ["points", "point_info"])
def test_one_file_gives_both_targets(tmp_path: Path, folder: str) -> None:
    house(tmp_path, "uvalda", 2, LAYOUTS["building above domain"], ("edge_texture",))
    furnish(tmp_path, folder)
    params = {"path": str(tmp_path), "format": "taskonomy"}
    views = read_taskonomy("x", DatasetParams.model_validate(params))
    assert views.domains == ("edge_texture", *POSES)
    contents = views.views[0].read()
    assert contents["vanishing_points"] == contents["room_layout"]
    some = DatasetParams.model_validate({**params, "domains": ["room_layout"]})
    assert read_taskonomy("x", some).domains == ("room_layout",)


def load(folder: Path, target: TargetName) -> DenseTask:
    return load_dense_task("it", TaskParams(dataset="x", target=target), folder, SIZES, SIDE, 0)


def test_views_without_a_pose_are_left_out_and_others_are_what_their_file_says(tmp_path: Path) -> None:
    street(tmp_path / "in", 8, views=3, domains=("edge_texture",))
    poses = furnish(tmp_path / "in")
    (tmp_path / "in/House0/points/point_1_view_1_domain_fixatedpose.json").unlink()
    params = DatasetParams(path=str(tmp_path / "in"), format="taskonomy")
    build_dataset("x", params, SPLIT, tmp_path / "out")
    assert [
        each.column for each in validate(tmp_path / "out", tmp_path / "v", tmp_path / "d").results if not each.success
    ] == ["seen"]
    for target, numbers in (("vanishing_points", vanishing_points), ("room_layout", room_layout)):
        task = load(tmp_path / "out", target)  # type: ignore[arg-type]
        found = np.concatenate([task.splits[split].targets[:, :, 0, 0] for split in SPLITS])
        wanted = [numbers(one) for name, one in poses.items() if name != "House0/point_1_view_1"]
        rows = np.array([each for each in wanted if each is not None])
        if target == "room_layout":
            rows = (rows - LAYOUT_MEANS[:, 0, 0]) / LAYOUT_SPREADS[:, 0, 0]
        assert len(found) == 23
        assert found[np.lexsort(found.T)] == pytest.approx(rows[np.lexsort(rows.T)], abs=1e-4)


def test_a_street_whose_files_say_nothing_is_refused(tmp_path: Path) -> None:
    street(tmp_path / "in", 8, views=2, domains=("edge_texture",))
    for image in (tmp_path / "in").rglob("*_domain_rgb.png"):
        folder = image.parent.parent / "points"
        folder.mkdir(exist_ok=True)
        (folder / image.name.replace("rgb.png", "fixatedpose.json")).write_text("{}")
    build_dataset("x", DatasetParams(path=str(tmp_path / "in"), format="taskonomy"), SPLIT, tmp_path / "out")
    with pytest.raises(InputError, match="the target room_layout of the task 'it' has no valid pixel in any"):
        load(tmp_path / "out", "room_layout")
