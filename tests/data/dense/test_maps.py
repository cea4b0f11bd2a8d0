"""Maps of a view against closed forms: a sphere, a wall, a box on the floor."""

from functools import partial

import numpy as np
import pytest

from taskzoo.data.dense.encodings import Mask
from taskzoo.data.dense.rooms.casting import FIELD_OF_VIEW, Camera, cast, lit, pixel_rays
from taskzoo.data.dense.rooms.maps import geometry, normal_corners, occlusion_edges, reshading
from taskzoo.data.dense.rooms.paint import photograph, random_appearance
from taskzoo.data.dense.rooms.scene import random_camera, random_scene
from taskzoo.data.dense.rooms.shapes import Array, Box, Room, Shape, Sphere
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


def test_the_occlusion_edge_of_a_sphere_is_its_rim() -> None:
    maps, inside = ball_view()
    outside = np.pad(~inside, 1, constant_values=False)
    rim = inside & (outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:])
    edges = maps["edge_occlusion"][0]
    assert set(np.unique(edges)) == {0, 0.00625}
    assert ((edges > 0) == rim).all()


def test_a_box_on_the_floor_has_edges_where_it_ends_and_none_where_it_stands() -> None:
    shapes: list[Shape] = [ROOM, Box(np.array([0.0, 0.4, 2.6]), np.array([0.5, 0.4, 0.4]))]
    camera = Camera(np.array([0.0, 1.3, 0.0]), 0.0, -0.3)
    hits = cast(shapes, camera, SIDE)
    maps, _ = geometry(hits, camera)
    box = hits.shapes.reshape(SIDE, SIDE) == 1
    edges = maps["edge_occlusion"][0] > 0
    assert (edges <= box).all()
    middle = SIDE // 2
    rows = np.flatnonzero(box[:, middle])
    assert edges[rows[0], middle]
    assert not edges[rows[1:], middle].any(), "neither the box's own crease nor its foot is an edge"
    columns = np.flatnonzero(box[rows[-2]])
    assert edges[rows[-2], columns[[0, -1]]].all()


def test_a_far_box_seen_along_the_floor_has_no_edge_at_its_foot() -> None:
    # A pixel of floor spans more than 5 % of its depth there: the jump alone would call the foot an edge.
    shapes: list[Shape] = [ROOM, Box(np.array([0.0, 0.3, 4.2]), np.array([0.6, 0.3, 0.3]))]
    camera = Camera(np.array([0.0, 0.5, -4.0]), 0.0, 0.0)
    hits = cast(shapes, camera, SIDE)
    box = hits.shapes.reshape(SIDE, SIDE) == 1
    depth = hits.depth.reshape(SIDE, SIDE)
    foot = np.flatnonzero(box[:, SIDE // 2])[-1]
    assert depth[foot, SIDE // 2] > 1.05 * depth[foot + 1, SIDE // 2]
    edges = occlusion_edges(hits, hits.normals @ camera.axes())
    assert not edges[foot : foot + 2, SIDE // 2].any()


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
