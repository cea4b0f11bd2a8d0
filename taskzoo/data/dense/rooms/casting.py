"""One pinhole camera, one ray a pixel, the first surface that each meets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from taskzoo.data.dense.rooms.shapes import FACES, Array, Shape, dot, turn

FIELD_OF_VIEW = np.deg2rad(75)
NOTHING = -1
NEAR_SURFACE = 1e-4  # of the way from the light: a surface does not shade itself by rounding


@dataclass(frozen=True)
class Camera:
    """Where one looks from, and where to; never tilted sideways.

    Attributes:
        position: [3].
        heading: Radians about the vertical; 0 looks along z.
        pitch: Radians; positive looks up.
    """

    position: Array
    heading: float
    pitch: float

    def axes(self) -> Array:
        """Return its right, up and ahead as columns [3, 3]."""
        cosine, sine = np.cos(self.pitch), np.sin(self.pitch)
        raised = np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
        axes: Array = turn(-self.heading) @ raised
        return axes


@dataclass(frozen=True)
class Hits:
    """What a camera's rays meet, row by row; where nothing, depth is inf and the rest is of no meaning.

    Attributes:
        side: Pixels a side, S.
        rays: In camera axes (x right, y up, z ahead), z = 1 [S * S, 3].
        depth: z of the camera axes, metres [S * S].
        points: In the world [S * S, 3].
        normals: In the world, towards the outside of the solid [S * S, 3].
        curvatures: k1 >= k2 per metre [S * S, 2].
        shapes: Which shape; NOTHING where none [S * S].
        faces: Which smooth face of which shape; NOTHING where none [S * S].
    """

    side: int
    rays: Array
    depth: Array
    points: Array
    normals: Array
    curvatures: Array
    shapes: npt.NDArray[np.int64]
    faces: npt.NDArray[np.int64]


def pixel_rays(side: int) -> Array:
    """Return the rays through pixel centres [S * S, 3], in camera axes: ((u - c) / f, (c - v) / f, 1)."""
    focal = side / (2 * np.tan(FIELD_OF_VIEW / 2))
    places = (np.arange(side) - (side - 1) / 2) / focal
    across, down = np.meshgrid(places, places)
    return np.stack([across.ravel(), -down.ravel(), np.ones(side * side)], 1)


def cast(shapes: Sequence[Shape], camera: Camera, side: int) -> Hits:
    """Find what every pixel shows.

    Args:
        shapes: All that can be met.
        camera: Where from.
        side: Pixels a side.

    Returns:
        The nearest surface of each pixel.
    """
    rays = pixel_rays(side)
    directions = rays @ camera.axes().T
    distances = meetings(shapes, camera.position, directions)
    nearest = distances.argmin(0)
    depth = distances.min(0)
    nearest[~np.isfinite(depth)] = NOTHING
    points = camera.position + np.where(np.isfinite(depth), depth, 0)[:, None] * directions
    normals, curvatures = np.zeros_like(points), np.zeros((len(points), 2))
    faces = np.full(len(points), NOTHING)
    for number, shape in enumerate(shapes):
        here = nearest == number
        if here.any():
            surface = shape.surface(points[here])
            normals[here], curvatures[here] = surface.normals, surface.curvatures
            faces[here] = number * FACES + surface.faces
    return Hits(side, rays, depth, points, normals, curvatures, nearest, faces)


def lit(shapes: Sequence[Shape], points: Array, light: Array) -> npt.NDArray[np.bool_]:
    """Return which points [P, 3] are the first that a point light [3] reaches on its way to them."""
    blocked = meetings(shapes, light, points - light) < 1 - NEAR_SURFACE
    return np.logical_not(blocked.any(0))


def meetings(shapes: Sequence[Shape], origin: Array, directions: Array) -> Array:
    """Return where each shape is met by each ray, asking only rays that pass the ball around the shape.

    Args:
        shapes: That can be met.
        origin: Of all rays [3].
        directions: [P, 3].

    Returns:
        Multiples of the directions, inf where a shape is not met [N, P].
    """
    # With a = d . (c - o), a ray comes within r of c where a > 0 and a^2 >= (|c - o|^2 - r^2) |d|^2.
    lengths = dot(directions, directions)
    found = np.full((len(shapes), len(directions)), np.inf)
    for shape, distances in zip(shapes, found, strict=True):
        centre, radius = shape.ball
        ahead, reach = directions @ (centre - origin), float(((centre - origin) ** 2).sum() - radius**2)
        passes = np.flatnonzero(ahead * np.abs(ahead) >= reach * lengths) if reach > 0 else slice(None)
        distances[passes] = shape.hit(origin, directions[passes])
    return found
