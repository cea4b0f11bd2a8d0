"""Rays meet shapes where a walk along them does; surfaces are what closed forms say."""

import numpy as np
import pytest

from taskzoo.data.dense.rooms.casting import lit, meetings
from taskzoo.data.dense.rooms.shapes import Array, Box, Cylinder, Room, Shape, Sphere, Window, turn

CENTRE = np.array([0.3, 0.4, 3.0])
SOLIDS: dict[str, Shape] = {
    "sphere": Sphere(CENTRE, 0.8),
    "cylinder": Cylinder(CENTRE, 0.5, 0.7),
    "box": Box(CENTRE, np.array([0.4, 0.9, 0.6]), 0.6),
}


def inside(shape: Shape, points: Array) -> Array:
    """Return how far points are inside, negative outside, in shares of the shape."""
    local = points - CENTRE
    reached: Array
    if isinstance(shape, Sphere):
        reached = np.linalg.norm(local, axis=-1) / shape.radius
    elif isinstance(shape, Cylinder):
        radial = np.hypot(local[..., 0], local[..., 2]) / shape.radius
        reached = np.maximum(radial, np.abs(local[..., 1]) / shape.half_height)
    else:
        assert isinstance(shape, Box)
        cosine, sine = np.cos(shape.angle), np.sin(shape.angle)
        x, z = cosine * local[..., 0] + sine * local[..., 2], cosine * local[..., 2] - sine * local[..., 0]
        reached = np.max(np.abs(np.stack([x, local[..., 1], z], -1)) / shape.half, -1)
    return 1 - reached


@pytest.mark.parametrize("name", SOLIDS)
def test_a_ray_meets_a_solid_where_a_walk_along_it_enters(name: str) -> None:
    shape, rng = SOLIDS[name], np.random.default_rng(0)
    origin = np.array([-0.5, 1.6, -0.4])
    directions = CENTRE + rng.uniform(-1, 1, (400, 3)) - origin
    directions *= rng.uniform(0.2, 2, (400, 1))
    found = meetings([shape], origin, directions)[0]
    steps = np.linspace(0, 12, 4001)
    depth = inside(shape, origin + steps[:, None, None] * directions)
    entered = (depth > 0).any(0)
    assert 100 < entered.sum() < 390
    # A walk may step over a corner that a ray grazes.
    assert (np.isfinite(found) >= entered).all()
    assert (np.isfinite(found) != entered).mean() < 0.03
    first = steps[(depth > 0).argmax(0)]
    both = entered & np.isfinite(found)
    assert (np.abs(found - first)[both] <= steps[1] + 1e-9).all()
    met = origin + found[both, None] * directions[both]
    assert np.abs(inside(shape, met)).max() < 1e-9


@pytest.mark.parametrize("name", SOLIDS)
def test_rays_from_behind_and_beside_meet_nothing(name: str) -> None:
    directions = np.array([[0.0, 0, -1], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 3, 1]])
    assert np.isinf(meetings([SOLIDS[name]], np.array([0.3, 0.4, 0.0]), directions)).all()


@pytest.mark.parametrize("name", SOLIDS)
def test_normals_point_straight_out(name: str) -> None:
    shape, rng = SOLIDS[name], np.random.default_rng(1)
    origin = np.array([-0.5, 1.6, -0.4])
    directions = CENTRE + rng.uniform(-0.5, 0.5, (200, 3)) - origin
    found = meetings([shape], origin, directions)[0]
    seen = np.isfinite(found)
    points = origin + found[seen, None] * directions[seen]
    surface = shape.surface(points)
    assert np.linalg.norm(surface.normals, axis=1) == pytest.approx(np.ones(len(points)))
    # The steepest way out, by differences; points next to a rim belong to two faces.
    step = 1e-6
    gradient = np.stack(
        [inside(shape, points - step * axis) - inside(shape, points + step * axis) for axis in np.eye(3)], -1
    )
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    assert np.mean(np.abs(gradient - surface.normals).max(1) < 1e-4) > 0.98


def test_curvatures_are_those_of_spheres_cylinders_and_planes() -> None:
    ball = Sphere(np.zeros(3), 0.25).surface(np.array([[0.25, 0, 0], [0, 0.25, 0]]))
    assert ball.curvatures.tolist() == [[4, 4], [4, 4]]
    can = Cylinder(np.zeros(3), 0.5, 2.0).surface(np.array([[0.5, 1.0, 0], [0.1, 2.0, 0.1], [0.1, -2.0, 0]]))
    assert can.curvatures.tolist() == [[2, 0], [0, 0], [0, 0]]
    assert can.normals.tolist() == [[1, 0, 0], [0, 1, 0], [0, -1, 0]]
    assert can.faces.tolist() == [0, 1, 2]
    assert Box(np.zeros(3), np.ones(3)).surface(np.array([[1.0, 0.2, 0.3]])).curvatures.tolist() == [[0, 0]]


def test_a_room_is_seen_from_inside_and_a_window_shows_nothing() -> None:
    half = np.array([3.0, 1.25, 2.0])
    window = Window(5, np.array([-0.5, 0.0]), np.array([0.5, 0.6]))
    room = Room(np.array([0, 1.25, 0]), half, (window,))
    eye = np.array([2.0, 1.25, -1.0])
    directions = np.array([[0, 0, 1.0], [0, 0.1, 1], [1, 0, 0], [0, -1, 0], [0, 0, -1], [0.6, 0.1, 1]])
    # The far wall is 3 metres ahead; its window reaches from x = -1.5 to 1.5 and from the middle up.
    assert room.hit(eye, directions).tolist() == [3, 3, 1, 1.25, 1, pytest.approx(1 / 0.6)]
    assert room.hit(np.array([0, 1.25, -1.0]), directions)[:2].tolist() == [3, np.inf]
    points = eye + np.array([3, 1, 1.25, 1])[:, None] * directions[[0, 2, 3, 4]]
    assert room.surface(points).normals.tolist() == [[0, 0, -1], [-1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_turning_keeps_lengths_and_the_vertical() -> None:
    axes = turn(0.7)
    assert axes @ axes.T == pytest.approx(np.eye(3))
    assert axes[:, 1].tolist() == [0, 1, 0]
    assert turn(np.pi / 2) @ [1, 0, 0] == pytest.approx([0, 0, 1])


def test_a_ball_throws_a_shadow_and_no_surface_shades_itself() -> None:
    ball = Sphere(np.array([0, 1.0, 0]), 0.3)
    light = np.array([0.0, 2.0, 0.0])
    angles = np.linspace(0, 2 * np.pi, 50)
    # The cone that touches the ball reaches the floor, 2 metres below, at 2 tan(asin(0.3 / 1)).
    radius = 2 * np.tan(np.arcsin(0.3))
    circle = np.stack([np.cos(angles), np.zeros(50), np.sin(angles)], 1)
    assert not lit([ball], 0.99 * radius * circle, light).any()
    assert lit([ball], 1.01 * radius * circle, light).all()
    assert lit([ball], ball.centre + 0.3 * np.array([[0.0, 1, 0], [0.6, 0.8, 0]]), light).all()
    assert not lit([ball], ball.centre - 0.3 * np.array([[0.0, 1, 0], [0.6, 0.8, 0]]), light).any()
