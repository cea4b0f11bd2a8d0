"""Maps of a view against closed forms: a sphere, a wall, a box on the floor."""

from functools import partial

import numpy as np
import pytest

from taskzoo.data.dense.encodings import Mask
from taskzoo.data.dense.rooms.casting import FIELD_OF_VIEW, Camera, cast, lit, pixel_rays
from taskzoo.data.dense.rooms.maps import depth_edges, geometry, normal_corners, reshading
from taskzoo.data.dense.rooms.paint import photograph, random_appearance
from taskzoo.data.dense.rooms.scene import random_camera, random_scene
from taskzoo.data.dense.rooms.shapes import Array, Room, Sphere
from taskzoo.params import TargetName

SIDE = 48
EYE = Camera(np.array([0.0, 1.3, 0.0]), 0.0, 0.0)
ROOM = Room(np.array([0, 1.3, 0]), np.array([4.0, 1.3, 5.0]))


def test_rays_go_through_pixel_centres() -> None:
    rays = pixel_rays(4).reshape(4, 4, 3)
    edge = np.tan(FIELD_OF_VIEW / 2)
    assert rays[0, 0] == pytest.approx([-0.75 * edge, 0.75 * edge, 1])
    assert rays[3, 2] == pytest.approx([0.25 * edge, -0.75 * edge, 1])


@pytest.mark.parametrize(("heading", "pitch"), [(0.0, 0.0), (1.2, -0.4), (-2.8, 0.1)])
def test_a_camera_looks_where_it_says(heading: float, pitch: float) -> None:
    right, up, ahead = Camera(np.zeros(3), heading, pitch).axes().T
    assert np.stack([right, up, ahead]) @ np.stack([right, up, ahead]).T == pytest.approx(np.eye(3))
    assert np.cross(right, up) == pytest.approx(ahead)
    assert ahead == pytest.approx([np.cos(pitch) * np.sin(heading), np.sin(pitch), np.cos(pitch) * np.cos(heading)])
    assert right[1] == pytest.approx(0)  # never tilted
    assert up[1] > 0


def test_a_wall_across_has_one_depth_and_reshading_by_its_angle() -> None:
    maps, seen = geometry(cast([ROOM], EYE, SIDE), EYE)
    wall = maps["normal"][2] < -0.99
    assert seen.all()
    assert wall[SIDE // 2].all()
    assert maps["depth_zbuffer"][0][wall] == pytest.approx(np.full(wall.sum(), 5.0))
    lengths = np.linalg.norm(pixel_rays(SIDE), axis=1).reshape(SIDE, SIDE)
    assert maps["depth_euclidean"][0][wall] == pytest.approx(5 * lengths[wall])
    # cos(angle) = 1 / length; the light has half its strength at 8 metres.
    expected = 64 / (64 + 25 * lengths**2) / lengths
    assert maps["reshading"][0][wall] == pytest.approx(expected[wall])
    assert (maps["principal_curvature"] == 0).all()


def test_reshading_halves_at_eight_metres_and_is_black_where_light_grazes() -> None:
    rays = np.array([[0.0, 0, 1], [0, 0, 1], [0, 0, 1]])
    normals = np.array([[0.0, 0, -1], [0, 0, -1], [0, 1, 0]])
    assert reshading(rays, np.array([0.0, 8, 1]), normals).tolist() == [1, 0.5, 0]


def ball_view() -> tuple[dict[TargetName, Array], Mask]:
    ball = Sphere(np.array([0.4, 1.5, 3.0]), 0.7)
    maps, _ = geometry(cast([ROOM, ball], EYE, SIDE), EYE)
    centre = ball.centre - EYE.position
    rays = pixel_rays(SIDE)
    lengths = np.linalg.norm(rays, axis=1)
    along = rays @ centre / lengths
    inside = np.asarray(centre @ centre - along**2 < 0.7**2)
    distances = along - np.sqrt(np.maximum(0.49 - (centre @ centre - along**2), 0))
    points = rays / lengths[:, None] * distances[:, None]
    expected: dict[TargetName, Array] = {
        "depth_euclidean": distances,
        "depth_zbuffer": distances / lengths,
        "normal": (points - centre) / 0.7,
        "principal_curvature": np.full((len(rays), 2), 1 / 0.7),
    }
    shaped = {name: value.reshape(SIDE, SIDE, -1).transpose(2, 0, 1) for name, value in expected.items()}
    for name, value in shaped.items():
        assert maps[name][:, inside.reshape(SIDE, SIDE)] == pytest.approx(value[:, inside.reshape(SIDE, SIDE)])
    return maps, inside.reshape(SIDE, SIDE)


def test_a_sphere_has_its_closed_form() -> None:
    maps, inside = ball_view()
    assert inside.sum() > 100
    assert (maps["principal_curvature"][:, ~inside] == 0).all()


def test_a_step_of_depth_is_an_edge_on_both_sides() -> None:
    depth = np.array([[2.0, 2, 2, 8, 8, 8]] * 3)
    step = (0.25 - 0.125) / np.sqrt(2)
    seen = np.ones(depth.shape, dtype=bool)
    assert depth_edges(depth, seen) == pytest.approx(np.array([[0, 0, step, step, 0, 0]] * 3))


def test_a_hole_has_no_edge() -> None:
    depth, seen = np.full((6, 6), 3.0), np.ones((6, 6), dtype=bool)
    depth[2:4, 3:], seen[2:4, 3:] = 0, False
    assert not depth_edges(depth, seen).any()


def test_the_edge_of_a_sphere_is_at_its_rim() -> None:
    maps, inside = ball_view()
    edges = maps["edge_occlusion"][0]
    rows, columns = np.nonzero(edges > 0.5 * edges.max())
    around = np.pad(inside, 1)
    for row, column in zip(rows, columns, strict=True):
        assert set(around[row : row + 3, column : column + 3].ravel()) == {True, False}
    assert len(rows) > 20


def test_normals_agree_with_the_slope_of_depth_on_every_plane() -> None:
    rng = np.random.default_rng(3)
    scene = random_scene(rng)
    camera = random_camera(scene, rng)
    hits = cast(scene.shapes, camera, 64)
    maps, seen = geometry(hits, camera)
    faces, inverse = hits.faces.reshape(64, 64), 1 / np.where(seen, maps["depth_zbuffer"][0], 1)
    # 1 / z = (n . r) / (n . p) is affine in pixels on a plane, so its differences give n up to length.
    focal = 32 / np.tan(FIELD_OF_VIEW / 2)
    down, across = np.gradient(inverse)
    x, y = pixel_rays(64)[:, :2].T.reshape(2, 64, 64)
    found = np.stack([across * focal, -down * focal, inverse - x * across * focal + y * down * focal])
    found /= -np.linalg.norm(found, axis=0)
    same = np.ones((64, 64), dtype=bool)
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        same &= faces == np.roll(faces, shift, axis)
    same[[0, -1]] = same[:, [0, -1]] = False
    flat = same & seen & (maps["principal_curvature"] == 0).all(0)
    assert flat.mean() > 0.3
    assert maps["normal"][:, flat] == pytest.approx(found[:, flat], abs=1e-6)


def test_a_corner_of_three_walls_is_a_keypoint_and_a_crease_is_none() -> None:
    normals = np.zeros((24, 24, 3))
    normals[:, :, 2] = -1
    normals[:, 12:] = (-1, 0, 0)
    assert normal_corners(normals).max() < 1e-12
    normals[12:] = (0, 1, 0)
    corners = normal_corners(normals)
    place = np.unravel_index(corners.argmax(), corners.shape)
    assert np.abs(np.array(place) - 11.5).max() <= 1
    assert corners.max() > 0.05
    assert corners[:6].max() < 1e-3


def test_the_outside_of_a_window_is_missing() -> None:
    scenes = (random_scene(np.random.default_rng(seed)) for seed in range(40))
    scene = next(each for each in scenes if each.room.windows and each.room.windows[0].face == 5)
    camera = Camera(np.array([0.0, 1.4, -1.0]), 0.0, 0.0)
    hits = cast([scene.room], camera, SIDE)
    _, seen = geometry(hits, camera)
    assert 0 < (~seen).sum() < seen.size / 2
    appearance = random_appearance(1, scene.lights, np.random.default_rng(0))
    picture = photograph(cast([scene.room], camera, 2 * SIDE), partial(lit, [scene.room]), appearance)
    colours = picture[~seen].astype(int)
    assert (np.abs(colours - np.median(colours, 0)).max(1) == 0).mean() > 0.5, "one colour, but for mixed borders"
