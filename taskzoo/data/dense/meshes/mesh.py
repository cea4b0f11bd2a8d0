"""A mesh of triangles: where rays meet it, and what its surface is like there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from taskzoo.data.dense.rooms.casting import NEAR_SURFACE, NOTHING, Camera, Hits, pixel_rays
from taskzoo.data.dense.rooms.shapes import NEAR, Array, dot

CREASE = np.deg2rad(30)  # Triangles that meet at less of an angle are parts of one smooth surface.
FLAT = 1e-6  # per metre
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """Triangles in smooth patches, which end at creases.

    Attributes:
        corners: In the world [F, 3, 3].
        normals: At each corner, the mean of its patch's triangles by area [F, 3, 3].
        curvatures: k1 >= k2 per metre, seen from the side that normals point to [F, 2].
        patches: Number of each triangle's patch [F].
        tree: Embree's, of trimesh.
    """

    corners: Array
    normals: Array
    curvatures: Array
    patches: Numbers
    tree: Any

    def cast(self, camera: Camera, side: int) -> Hits:
        """Return what every pixel shows; the side of a surface that is seen counts as its outside."""
        rays = pixel_rays(side)
        directions = rays @ camera.axes().T
        found, depth = self.meet(np.broadcast_to(camera.position, rays.shape), directions)
        points = camera.position + np.where(np.isfinite(depth), depth, 0)[:, None] * directions
        normals = dot(self._shares(found, points)[:, None], self.normals[found].transpose(0, 2, 1))
        back = dot(crossed(self.corners[found]), directions) > 0
        normals = _unit(normals) * np.where(back, -1, 1)[:, None]
        curvatures = np.where(back[:, None], -self.curvatures[found][:, ::-1], self.curvatures[found])
        patches = np.where(np.isfinite(depth), self.patches[found] + 1, NOTHING)
        return Hits(side, rays, depth, points, normals, curvatures, patches, patches)

    def lit(self, points: Array, light: Array) -> npt.NDArray[np.bool_]:
        """Return which points [P, 3] are the first that a point light [3] reaches on its way to them."""
        _, distances = self.meet(np.broadcast_to(light, points.shape), points - light)
        return distances >= 1 - NEAR_SURFACE

    def meet(self, origins: Array, directions: Array) -> tuple[Numbers, Array]:
        """Return the first triangle that each ray meets, and after how many directions; inf where none, [P]."""
        found = np.asarray(self.tree.intersects_first(origins, directions), np.int64)
        # Embree counts in single precision: the way is to the triangle's plane.
        across = crossed(self.corners[found])
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = dot(across, self.corners[found, 0] - origins) / dot(across, directions)
        return found, np.where((found == NOTHING) | ~(distances > NEAR), np.inf, distances)

    def _shares(self, found: Numbers, points: Array) -> Array:
        """Return the barycentric coordinates of points in the planes of triangles [P, 3]."""
        corners = self.corners[found]
        across = crossed(corners)
        parts = [crossed(np.stack([points, corners[:, one], corners[:, other]], 1)) for one, other in ((1, 2), (2, 0))]
        first, second = (np.clip(dot(part, across) / dot(across, across), 0, 1) for part in parts)
        return np.stack([first, second, np.maximum(1 - first - second, 0)], 1)


def make_mesh(loaded: Any) -> Mesh:
    """Return the mesh of a trimesh, with smooth normals and curvatures.

    Args:
        loaded: Of trimesh, without triangles that have no area.

    Returns:
        The mesh.
    """
    from trimesh.graph import connected_component_labels
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    corners = np.array(loaded.triangles, np.float64)
    smooth = loaded.face_adjacency[loaded.face_adjacency_angles < CREASE]
    patches = np.asarray(connected_component_labels(smooth, node_count=len(corners)), np.int64)
    keys = patches[:, None] * len(loaded.vertices) + loaded.faces
    _, places = np.unique(keys, return_inverse=True)
    sums = np.zeros((places.max() + 1, 3))
    np.add.at(sums, places.ravel(), np.repeat(crossed(corners), 3, 0))
    normals = _unit(sums)[places.reshape(-1, 3)]
    return Mesh(corners, normals, curvatures(corners, normals), patches, RayMeshIntersector(loaded))


def crossed(corners: Array) -> Array:
    """Return (b - a) x (c - a) of triangles [F, 3, 3]: twice the area along the normal [F, 3]."""
    product: Array = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return product


def _unit(arrows: Array) -> Array:
    unit: Array = arrows / np.maximum(np.linalg.norm(arrows, axis=-1, keepdims=True), NEAR**2)
    return unit


def curvatures(corners: Array, normals: Array) -> Array:
    """Return each triangle's principal curvatures, from how its normals turn along its sides.

    The shape operator S, symmetric in the triangle's plane, is the least squares fit of S e = dn over the three sides
    e, with dn the change of the normal along them (Rusinkiewicz, 2004).

    Args:
        corners: [F, 3, 3].
        normals: Unit vectors at the corners [F, 3, 3].

    Returns:
        k1 >= k2 per metre, 0 where below one in a million [F, 2].
    """
    sides, turns = (np.roll(each, -1, 1) - each for each in (corners, normals))
    first = _unit(sides[:, 0])
    second = np.cross(_unit(crossed(corners)), first)
    (u, v), (a, b) = ([dot(each, axis[:, None]) for axis in (first, second)] for each in (sides, turns))
    # [u v 0; 0 u v] [s11 s12 s22] = [a b] for each side.
    nothing = np.zeros_like(u)
    rows = np.concatenate([np.stack([u, v, nothing], -1), np.stack([nothing, u, v], -1)], 1)
    s11, s12, s22 = np.moveaxis((np.linalg.pinv(rows) @ np.concatenate([a, b], 1)[..., None])[..., 0], -1, 0)
    mean, spread = (s11 + s22) / 2, np.hypot((s11 - s22) / 2, s12)
    found = np.stack([mean + spread, mean - spread], 1)
    return np.where(np.abs(found) < FLAT, 0, found)
