"""Solid shapes and the room around them: where rays meet them, and what the surface is like there.

World coordinates are metres, x right, y up, z ahead. Curvature is positive where a surface bulges outwards.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NEAR = 1e-6


@dataclass(frozen=True)
class Surface:
    """A shape's surface at some points.

    Attributes:
        normals: Unit vectors away from the solid [P, 3].
        curvatures: k1 >= k2, one per metre [P, 2].
        faces: Number of the smooth face, below FACES [P].
    """

    normals: Array
    curvatures: Array
    faces: npt.NDArray[np.int64]


FACES = 6


class Shape(Protocol):
    """What rays can meet."""

    @property
    def ball(self) -> tuple[Array, float]:
        """The centre [3] and radius of a ball around it."""

    def hit(self, origin: Array, directions: Array) -> Array:
        """Return after how many directions [P, 3] from the origin [3] it is met first; inf where never, [P]."""

    def surface(self, points: Array) -> Surface:
        """Return the surface at points [P, 3] on it."""


@dataclass(frozen=True)
class Sphere:
    """A ball.

    Attributes:
        centre: [3].
        radius: Metres.
    """

    centre: Array
    radius: float

    @property
    def ball(self) -> tuple[Array, float]:
        """The ball itself."""
        return self.centre, self.radius

    def hit(self, origin: Array, directions: Array) -> Array:
        """Return the nearer root of |o + t d - c| = r."""
        start = origin - self.centre
        return _nearer(dot(directions, directions), dot(start, directions), dot(start, start) - self.radius**2)

    def surface(self, points: Array) -> Surface:
        """Return normals from the centre and both curvatures 1 / r."""
        curvatures = np.full((len(points), 2), 1 / self.radius)
        return Surface((points - self.centre) / self.radius, curvatures, np.zeros(len(points), np.int64))


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder with flat ends.

    Attributes:
        centre: [3].
        radius: Metres.
        half_height: Metres.
    """

    centre: Array
    radius: float
    half_height: float

    @property
    def ball(self) -> tuple[Array, float]:
        """The ball through both rims."""
        return self.centre, float(np.hypot(self.radius, self.half_height))

    def hit(self, origin: Array, directions: Array) -> Array:
        """Return the nearer of its side and its ends."""
        start = origin - self.centre
        across, along = start[..., ::2], directions[..., ::2]
        side = _nearer(dot(along, along), dot(across, along), dot(across, across) - self.radius**2)
        with np.errstate(invalid="ignore"):
            beyond = np.abs(start[..., 1] + side * directions[..., 1]) > self.half_height
        side = np.where(beyond, np.inf, side)
        level = -np.sign(directions[..., 1]) * self.half_height
        with np.errstate(divide="ignore", invalid="ignore"):
            end = (level - start[..., 1]) / directions[..., 1]
            reached = across + end[..., None] * along
            outside = dot(reached, reached) > self.radius**2
        end = np.where(outside | (end < NEAR) | ~np.isfinite(end), np.inf, end)
        return np.minimum(side, end)

    def surface(self, points: Array) -> Surface:
        """Return curvatures 1 / r and 0 on the side, 0 and 0 on the ends."""
        local = points - self.centre
        radial = np.hypot(local[:, 0], local[:, 2])
        on_end = np.abs(local[:, 1]) / self.half_height > radial / self.radius
        side = local * np.array([1.0, 0.0, 1.0]) / np.maximum(radial, NEAR)[:, None]
        end = np.sign(local[:, 1:2]) * np.array([[0.0, 1.0, 0.0]])
        normals = np.where(on_end[:, None], end, side)
        curvatures = np.where(on_end[:, None], 0, [[1 / self.radius, 0]])
        return Surface(normals, curvatures, np.where(on_end, np.where(local[:, 1] > 0, 1, 2), 0))


@dataclass(frozen=True)
class Box:
    """A box turned about the vertical.

    Attributes:
        centre: [3].
        half: Half its sides [3].
        angle: Radians.
    """

    centre: Array
    half: Array
    angle: float = 0.0

    @property
    def ball(self) -> tuple[Array, float]:
        """The ball through its corners."""
        return self.centre, float(np.linalg.norm(self.half))

    def hit(self, origin: Array, directions: Array) -> Array:
        """Return where a ray enters the last of its three slabs, if before it leaves any."""
        turned = turn(self.angle)
        enter, leave = _slabs((origin - self.centre) @ turned, directions @ turned, self.half)
        return np.where((enter <= leave) & (enter > NEAR), enter, np.inf)

    def surface(self, points: Array) -> Surface:
        """Return the normal of the nearest of six flat faces."""
        local = (points - self.centre) @ turn(self.angle)
        faces, normals = _faces(local / self.half)
        return Surface(normals @ turn(self.angle).T, np.zeros((len(points), 2)), faces)


@dataclass(frozen=True)
class Window:
    """A hole in a wall.

    Attributes:
        face: Of the room.
        low: Lower corner on that face, the two coordinates that vary, as shares of the room's half sides [2].
        high: Upper corner [2].
    """

    face: int
    low: Array
    high: Array


@dataclass(frozen=True)
class Room:
    """A box seen from inside, with windows that nothing is seen through.

    Attributes:
        centre: [3].
        half: Half its sides [3].
        windows: Its holes.
    """

    centre: Array
    half: Array
    windows: tuple[Window, ...] = field(default=())

    @property
    def ball(self) -> tuple[Array, float]:
        """Everything, since a room is around all that is seen."""
        return self.centre, np.inf

    def hit(self, origin: Array, directions: Array) -> Array:
        """Return where a ray leaves the box, or inf through a window."""
        _, leave = _slabs(origin - self.centre, directions, self.half)
        shares = (origin - self.centre + leave[..., None] * directions) / self.half
        faces, _ = _faces(shares)
        for window in self.windows:
            place = np.delete(shares, window.face // 2, -1)
            inside = ((place > window.low) & (place < window.high)).all(-1)
            leave = np.where((faces == window.face) & inside, np.inf, leave)
        return leave

    def surface(self, points: Array) -> Surface:
        """Return the inward normal of the nearest of six flat faces."""
        faces, normals = _faces((points - self.centre) / self.half)
        return Surface(-normals, np.zeros((len(points), 2)), faces)


def dot(one: Array, other: Array) -> Array:
    """Return the inner products over the last axis."""
    products: Array = np.einsum("...i,...i->...", one, other)
    return products


def turn(angle: float) -> Array:
    """Return the matrix [3, 3] whose columns are the axes turned about the vertical, x towards z."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])


def _nearer(a: Array, half_b: Array, c: Array) -> Array:
    """Return the smaller root of a t^2 + 2 half_b t + c = 0 where it is ahead, else inf."""
    inside = half_b**2 - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        root = (-half_b - np.sqrt(np.maximum(inside, 0))) / a
    return np.where((inside > 0) & (root > NEAR), root, np.inf)


def _slabs(start: Array, directions: Array, half: Array) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-half - start) / directions, (half - start) / directions
    low, high = np.fmin(one, other), np.fmax(one, other)
    enter = np.fmax(np.fmax(low[..., 0], low[..., 1]), low[..., 2])
    return enter, np.fmin(np.fmin(high[..., 0], high[..., 1]), high[..., 2])


def _faces(shares: Array) -> tuple[npt.NDArray[np.int64], Array]:
    """Return the face that points, in shares of the half sides, lie on, and its outward normal."""
    axis = np.abs(shares).argmax(-1)
    sign = np.sign(np.take_along_axis(shares, axis[..., None], -1))
    return 2 * axis + (sign[..., 0] > 0), np.eye(3)[axis] * sign
