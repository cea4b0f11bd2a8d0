"""Rooms drawn at random: walls, a doorway, furniture, windows, and cameras that see enough of them."""

from dataclasses import dataclass

import numpy as np

from taskzoo.data.dense.rooms.casting import NOTHING, Camera, cast
from taskzoo.data.dense.rooms.shapes import Array, Box, Cylinder, Room, Shape, Sphere, Window

DOORWAY = 1.0
DOOR_HEIGHT = 2.05
WALL = 0.06  # half its thickness
CLEARANCE = 0.45  # metres between a camera and the outline of what stands about
WALLS = (0, 1, 4, 5)  # the faces of a room that are neither floor nor ceiling
ATTEMPTS = 200
SKETCH = 16  # pixels a side, to judge a view by
MIN_SURFACES = 5
MIN_SHARE = 0.02
MAX_SHARE = 0.55  # of the largest surface
MIN_DEPTH = 0.4
MAX_OUTSIDE = 0.15


@dataclass(frozen=True)
class Scene:
    """A furnished room; the floor is at y = 0.

    Attributes:
        shapes: The room first.
        outlines: Circles on the floor that furniture stays inside: x, z, radius [O, 3].
        lights: Where lamps hang [L, 3].
    """

    shapes: tuple[Shape, ...]
    outlines: Array
    lights: Array

    @property
    def room(self) -> Room:
        """The walls, floor and ceiling."""
        room = self.shapes[0]
        assert isinstance(room, Room)
        return room


def random_scene(rng: np.random.Generator) -> Scene:
    """Draw a room of about 8 x 4 x 2.6 metres with up to 14 pieces of furniture, most with a dividing wall.

    Args:
        rng: Of the draw.

    Returns:
        The scene.
    """
    half = np.array([rng.uniform(3, 4.2), rng.uniform(1.2, 1.5), rng.uniform(1.8, 2.6)])
    room = Room(np.array([0, half[1], 0]), half, _windows(rng))
    shapes: list[Shape] = [room]
    divided = rng.uniform(-0.35, 0.35) * half[0] if rng.random() < 0.7 else None
    if divided is not None:
        shapes += _dividing_wall(divided, half, rng)
    outlines: list[Array] = []
    for _ in range(int(rng.integers(9, 15))):
        place = _free_place(half, divided, outlines, rng)
        if place is not None:
            outlines.append(place)
            shapes += _furniture(place, half, rng)
    lights = np.array([[side * half[0] / 2, 2 * half[1] - 0.25, rng.uniform(-0.5, 0.5) * half[2]] for side in (-1, 1)])
    return Scene(tuple(shapes), np.array(outlines), lights)


def _windows(rng: np.random.Generator) -> tuple[Window, ...]:
    """Return windows in up to two of the four walls."""
    windows = []
    for face in rng.permutation(WALLS)[: rng.integers(3)]:
        centre, width = rng.uniform(-0.5, 0.5), rng.uniform(0.15, 0.35)
        across, upright = (centre - width, centre + width), (-0.2, 0.55)
        # What varies on a face keeps the order of the axes: y and z across x, x and y across z.
        low, high = np.array([upright, across] if face < 2 else [across, upright]).T
        windows.append(Window(int(face), low, high))
    return tuple(windows)


def _dividing_wall(x: float, half: Array, rng: np.random.Generator) -> list[Shape]:
    door = rng.uniform(-0.5, 0.5) * (half[2] - DOORWAY)
    parts = [(-half[2], door - DOORWAY / 2), (door + DOORWAY / 2, half[2])]
    walls: list[Shape] = [
        Box(np.array([x, half[1], (start + end) / 2]), np.array([WALL, half[1], (end - start) / 2]))
        for start, end in parts
    ]
    rest = 2 * half[1] - DOOR_HEIGHT
    lintel = Box(np.array([x, DOOR_HEIGHT + rest / 2, door]), np.array([WALL, rest / 2, DOORWAY / 2]))
    return [*walls, lintel]


def _free_place(half: Array, divided: float | None, outlines: list[Array], rng: np.random.Generator) -> Array | None:
    """Return x, z and radius of a circle on the floor that touches no wall and no other circle, if one is found."""
    for _ in range(ATTEMPTS):
        radius = rng.uniform(0.25, 0.65)
        x, z = rng.uniform(-1, 1, 2) * (half[[0, 2]] - radius - 0.05)
        clear = divided is None or abs(x - divided) > radius + WALL + 0.05
        if clear and all(np.hypot(x - a, z - b) > radius + c for a, b, c in outlines):
            return np.array([x, z, radius])
    return None


def _furniture(place: Array, half: Array, rng: np.random.Generator) -> list[Shape]:
    """Return a piece that stays above its circle: a box, a column, a table, or balls."""
    x, z, radius = place
    kind = rng.choice(["box", "column", "table", "ball", "lamp"], p=[0.25, 0.2, 0.2, 0.2, 0.15])
    if kind == "column":
        height = half[1] if rng.random() < 0.5 else rng.uniform(0.2, 0.6)
        return [Cylinder(np.array([x, height, z]), radius * 0.6, float(height))]
    if kind == "ball":
        return [Sphere(np.array([x, radius, z]), radius)]
    if kind == "lamp":
        size = radius * 0.5
        return [
            Sphere(np.array([x, rng.uniform(1.4, 1.8), z]), size),
            Box(np.array([x, 0.2, z]), np.full(3, 0.2), rng.uniform(0, np.pi)),
        ]
    sides = radius * np.array([np.cos(0.7), np.sin(0.7)])
    angle = float(rng.uniform(0, np.pi))
    if kind == "table":
        return _table(x, z, sides, angle, rng)
    height = rng.uniform(0.15, 0.9)
    box = Box(np.array([x, height, z]), np.array([sides[0], height, sides[1]]), angle)
    ball = rng.uniform(0.1, 0.9 * sides[1])
    return [box, Sphere(np.array([x, 2 * height + ball, z]), float(ball))] if height < 0.6 else [box]


def _table(x: float, z: float, sides: Array, angle: float, rng: np.random.Generator) -> list[Shape]:
    height = rng.uniform(0.5, 0.9)
    if rng.random() < 0.5:
        top: Shape = Cylinder(np.array([x, height, z]), float(sides[0]), 0.04)
    else:
        top = Box(np.array([x, height, z]), np.array([sides[0], 0.04, sides[1]]), angle)
    leg = Cylinder(np.array([x, (height - 0.04) / 2, z]), 0.08, float(height - 0.04) / 2)
    vase = rng.uniform(0.08, 0.16)
    return [top, leg, Sphere(np.array([x, height + 0.04 + vase, z]), float(vase))]


def random_camera(scene: Scene, rng: np.random.Generator) -> Camera:
    """Draw a camera clear of walls and furniture, again until it sees five surfaces and none fills the view.

    Args:
        scene: The room.
        rng: Of the draw.

    Returns:
        The first camera that sees enough, or the last of many that were tried.
    """
    half = scene.room.half
    for _ in range(ATTEMPTS):
        x, z = rng.uniform(-1, 1, 2) * (half[[0, 2]] - 0.3)
        position = np.array([x, rng.uniform(0.8, 1.8), z])
        camera = Camera(position, float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(-0.45, 0.15)))
        away = np.hypot(scene.outlines[:, 0] - x, scene.outlines[:, 1] - z) - scene.outlines[:, 2]
        if (away > CLEARANCE).all() and _sees_enough(scene, camera):
            break
    return camera


def _sees_enough(scene: Scene, camera: Camera) -> bool:
    hits = cast(scene.shapes, camera, SKETCH)
    _, sizes = np.unique(hits.faces[hits.faces != NOTHING], return_counts=True)
    outside = (hits.faces == NOTHING).mean()
    shares = sizes / len(hits.faces)
    varied = (shares >= MIN_SHARE).sum() >= MIN_SURFACES and shares.max() < MAX_SHARE
    return bool(varied and hits.depth.min() > MIN_DEPTH and outside < MAX_OUTSIDE)
