"""Meshes against the exact shapes of synthetic rooms, and mesh files as a data set."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskzoo.data.dense.meshes.mesh import Mesh, make_mesh
from taskzoo.data.dense.meshes.source import SUFFIXES, load_mesh, read_meshes, render
from taskzoo.data.dense.rooms.casting import Camera, cast, lit
from taskzoo.data.dense.rooms.maps import geometry
from taskzoo.data.dense.rooms.shapes import Box, Cylinder, Room, Shape, Sphere
from taskzoo.data.dense.rooms.source import MAPS
from taskzoo.data.dense.tasks import load_dense_task
from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset
from taskzoo.errors import InputError
from taskzoo.files import digest_folder
from taskzoo.params import DatasetParams, SizeParams, SplitParams, TargetName, TaskParams

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed: pip install 'taskzoo[meshes]'")
pytest.importorskip("embreex", reason="embreex is not installed: pip install 'taskzoo[meshes]'")

SIDE = 48
EYE = Camera(np.array([0.0, 1.3, 0.0]), 0.0, 0.0)
ROOM = Room(np.array([0, 1.3, 0]), np.array([4.0, 1.3, 5.0]))
BALL = Sphere(np.array([1.2, 1.0, 3.0]), 0.7)
COLUMN = Cylinder(np.array([-1.5, 0.9, 3.0]), 0.4, 0.9)
CHEST = Box(np.array([0.0, 0.3, 2.5]), np.array([0.5, 0.3, 0.3]), 0.4)
SHAPES: list[Shape] = [ROOM, BALL, COLUMN, CHEST]


def at(part: Any, centre: Any) -> Any:
    part.apply_translation(centre)
    return part


def room() -> Any:
    shell = trimesh.creation.box(2 * ROOM.half)
    shell.invert()
    return at(shell, ROOM.centre)


def furnished(column_x: float = -1.5, fineness: int = 3) -> Any:
    """Return the triangles of SHAPES."""
    lying = trimesh.creation.cylinder(COLUMN.radius, 2 * COLUMN.half_height, sections=128)
    lying.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0]))
    chest = trimesh.creation.box(2 * CHEST.half)
    chest.apply_transform(trimesh.transformations.rotation_matrix(-CHEST.angle, [0, 1, 0]))
    ball = trimesh.creation.icosphere(fineness, BALL.radius)
    parts = [room(), at(ball, BALL.centre), at(lying, [column_x, *COLUMN.centre[1:]]), at(chest, CHEST.centre)]
    return trimesh.util.concatenate(parts)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return make_mesh(furnished(fineness=5))


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_a_mesh_are_those_of_the_shapes_it_was_made_of(mesh: Mesh, name: TargetName) -> None:
    camera = Camera(np.array([0.3, 1.5, -0.4]), 0.1, -0.2)
    found, seen = geometry(mesh.cast(camera, SIDE), camera)
    expected, _ = geometry(cast(SHAPES, camera, SIDE), camera)
    assert seen.all()
    # Triangles lie inside a curved surface: on its outline a pixel may show what is behind.
    away = np.abs(found[name] - expected[name]).max(0) > {"principal_curvature": 0.3}.get(name, 0.02)
    assert away.mean() < 0.01
    assert expected[name].std() > 0


def test_a_ball_curves_alike_in_all_directions_and_away_from_who_is_inside(mesh: Mesh) -> None:
    outside = mesh.cast(EYE, SIDE)
    of_ball = np.linalg.norm(outside.points - BALL.centre, axis=1) < BALL.radius + 0.01
    assert of_ball.sum() > 50
    assert outside.curvatures[of_ball].mean(0) * BALL.radius == pytest.approx([1, 1], abs=0.05)
    inside = mesh.cast(Camera(BALL.centre, 0.3, 0.0), SIDE)
    assert inside.curvatures.mean(0) * BALL.radius == pytest.approx([-1, -1], abs=0.05)
    assert (inside.curvatures[:, 0] >= inside.curvatures[:, 1]).all()
    assert (np.einsum("pi,pi->p", inside.normals, inside.points - BALL.centre) < 0).all()


def test_flat_faces_end_at_creases_and_do_not_curve() -> None:
    chest = make_mesh(trimesh.creation.box([1, 2, 3]))
    assert len(np.unique(chest.patches)) == 6
    assert (chest.curvatures == 0).all()
    assert np.abs(chest.normals).max(-1) == pytest.approx(np.ones((12, 3)))


def test_shadows_fall_behind_a_mesh_as_behind_its_shapes(mesh: Mesh) -> None:
    points = np.random.default_rng(0).uniform(0.02, 0.98, (400, 3)) * 2 * ROOM.half + ROOM.centre - ROOM.half
    light = np.array([0.2, 2.3, 0.5])
    bright, expected = mesh.lit(points, light), lit(SHAPES, points, light)
    assert (bright != expected).mean() < 0.01
    assert 0.02 < 1 - expected.mean() < 0.5


def test_rays_that_meet_nothing_are_open() -> None:
    lone = make_mesh(at(trimesh.creation.icosphere(3, 0.5), [0, 1.3, 3]))
    hits = lone.cast(EYE, SIDE)
    assert 0 < np.isfinite(hits.depth).mean() < 0.2
    maps, seen = geometry(hits, EYE)
    assert not seen[0, 0]
    assert all(np.isfinite(values).all() for values in maps.values())


def meshes(path: Path, **options: Any) -> DatasetParams:
    return DatasetParams.model_validate(
        {"path": str(path), "format": "meshes", "views": 2, "image_size": 24, **options}
    )


def write(folder: Path, name: str, made: Any) -> Path:
    """Write a mesh as glTF has it, right-handed."""
    made.apply_transform(np.diag([1, 1, -1, 1]))
    folder.mkdir(parents=True, exist_ok=True)
    made.export(folder / name)
    return folder


def test_every_kind_of_file_gives_the_same_view(tmp_path: Path) -> None:
    expected = cast(SHAPES, EYE, SIDE).depth
    for suffix in SUFFIXES:
        found = load_mesh(write(tmp_path, f"place{suffix}", furnished()) / f"place{suffix}").cast(EYE, SIDE)
        assert (np.abs(found.depth - expected) > 0.01).mean() < 0.01
        assert len(np.unique(found.shapes)) == len(np.unique(make_mesh(furnished()).cast(EYE, SIDE).shapes))


def test_a_mesh_is_not_mirrored(tmp_path: Path) -> None:
    # Right-handed, y up: who looks along -z has x on the right.
    ball = at(trimesh.creation.icosphere(2, 0.5), [1.0, 1.3, -3.0])
    ball.export(tmp_path / "ball.ply")
    seen = np.isfinite(load_mesh(tmp_path / "ball.ply").cast(EYE, SIDE).depth).reshape(SIDE, SIDE)
    assert seen[:, SIDE // 2 :].any()
    assert not seen[:, : SIDE // 2].any()


@pytest.fixture(scope="module")
def flats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flats")
    for number in range(7):
        write(folder / f"street {number % 2}", f"flat{number}.ply", furnished(number / 3 - 1.5))
    return folder


def test_a_folder_of_meshes_is_a_data_set_of_made_up_images(flats: Path, tmp_path: Path) -> None:
    split = SplitParams(val=0.3, test=0.3)
    manifest = build_dataset("flats", meshes(flats), split, tmp_path / "a")
    assert (manifest.images, manifest.domains, manifest.synthetic) == (14, list(MAPS), True)
    assert {place for counts in manifest.counts.values() for place in counts} == {
        f"street {number % 2}/flat{number}.ply" for number in range(7)
    }
    build_dataset("flats", meshes(flats), split, tmp_path / "b")
    assert digest_folder(tmp_path / "a") == digest_folder(tmp_path / "b")
    task = TaskParams(dataset="flats", target="normal")
    found = load_dense_task("it", task, tmp_path / "a", SizeParams(train=50, val=50, test=50), 24, 0)
    assert found.synthetic
    images = np.concatenate([found.splits[each].images for each in SPLITS])
    assert len(np.unique(images, axis=0)) == 14
    assert images.std((1, 2)).min() > 1


def test_a_seed_moves_cameras_and_another_mesh_does_not(flats: Path) -> None:
    place = "street 1/flat3.ply"
    before = render(meshes(flats), place, 1)
    assert before == render(meshes(flats, views=5), place, 1)
    assert before["rgb"] != render(meshes(flats, seed=1), place, 1)["rgb"]
    assert before["rgb"] != render(meshes(flats), place, 0)["rgb"]


def spoilt(path: Path, content: bytes) -> DatasetParams:
    path.write_bytes(content)
    return meshes(path.parent)


def doll_house(folder: Path) -> DatasetParams:
    made = furnished()
    made.apply_scale(1 / 12)
    return meshes(write(folder, "a.ply", made))


EMPTY = b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: meshes(folder), "which holds no mesh; expected a folder of files of the kinds .glb, .gltf"),
        (lambda folder: meshes(folder / "absent"), "absent, which holds no mesh"),
        (lambda folder: spoilt(folder / "a.glb", b"Dear reader"), "a.glb cannot be read as a mesh ("),
        (lambda folder: spoilt(folder / "a.ply", b"ply\nformat binary_little_endian 1.0\n"), "a.ply cannot be read as"),
        (lambda folder: spoilt(folder / "a.ply", EMPTY), "a.ply"),
        (doll_house, "a.ply of 0.667 x 0.217 x 0.833 metres shows a room from none of 200 places"),
    ],
)
def test_meshes_that_show_nothing_are_told_in_one_sentence(tmp_path: Path, make: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_meshes("x", make(tmp_path)).views[0].read()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_extra_it_is_named(flats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trimesh.ray.ray_pyembree", None)
    with pytest.raises(InputError, match=r"needs trimesh and embreex .*; run pip install 'taskzoo\[meshes\]'"):
        read_meshes("x", meshes(flats))
