"""The geometry of a view as target images, exact at the pixel's centre but for edges and corners."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, sobel

from taskzoo.data.dense.encodings import Mask, Values
from taskzoo.data.dense.rooms.casting import Camera, Hits
from taskzoo.data.dense.rooms.shapes import Array, dot
from taskzoo.params import TargetName

HALF_BRIGHT = 8.0  # metres at which Taskonomy's light has half its strength
FARTHEST = 128.0  # metres that Taskonomy's files of depth can hold
CORNER_SCALE = 1.0  # pixels


def geometry(hits: Hits, camera: Camera) -> tuple[dict[TargetName, Values], Mask]:
    """Return every map of a view in the units of its domain [C, S, S], and where something is seen [S, S]."""
    side = hits.side
    seen = np.isfinite(hits.depth)
    depth = np.where(seen, hits.depth, 0)
    normals = hits.normals @ camera.axes()
    maps: dict[TargetName, Array] = {
        "depth_zbuffer": depth,
        "depth_euclidean": depth * np.sqrt(dot(hits.rays, hits.rays)),
        "normal": normals,
        "principal_curvature": hits.curvatures,
        "reshading": reshading(hits.rays, depth, normals),
        "edge_occlusion": depth_edges(depth.reshape(side, side), seen.reshape(side, side)),
        "keypoints3d": normal_corners(normals.reshape(side, side, 3)),
    }
    shaped = {name: values.reshape(side, side, -1).transpose(2, 0, 1) for name, values in maps.items()}
    return shaped, seen.reshape(side, side)


def reshading(rays: Array, depth: Array, normals: Array) -> Array:
    """Return brightness under a light at the camera: max(n . l, 0) * 8^2 / (8^2 + r^2), in [0, 1].

    Args:
        rays: In camera axes, z = 1 [P, 3].
        depth: z, metres [P].
        normals: Unit vectors in camera axes [P, 3].

    Returns:
        [P].
    """
    lengths = np.sqrt(dot(rays, rays))
    facing = np.maximum(-dot(normals, rays) / lengths, 0)
    return facing * HALF_BRIGHT**2 / (HALF_BRIGHT**2 + (depth * lengths) ** 2)


def depth_edges(depth: Array, seen: Mask) -> Array:
    """Return the Sobel magnitude of sqrt(z / 128 m): Taskonomy's 3D edges, which answer to slanted planes too.

    Args:
        depth: z, metres [S, S].
        seen: Where it is known, somewhere at least; a hole is as deep as what is nearest to it, and has no edge.

    Returns:
        [S, S], in [0, 1] for depths up to 128 m.
    """
    nearest = distance_transform_edt(~seen, return_distances=False, return_indices=True)
    root = np.sqrt(depth[tuple(nearest)] / FARTHEST)
    edges: Array = np.hypot(sobel(root, 0), sobel(root, 1)) / (4 * np.sqrt(2))
    return edges


def normal_corners(normals: Array) -> Array:
    """Return where surfaces turn in two directions: a stand-in for Taskonomy's 3D keypoints (NARF), in [0, 1].

    The smaller eigenvalue of the structure tensor of the normals, smoothed over one pixel.

    Args:
        normals: [S, S, 3].

    Returns:
        [S, S].
    """
    down, across = np.gradient(normals, axis=(0, 1))
    products = (down**2).sum(2), (across**2).sum(2), (down * across).sum(2)
    rows, columns, mixed = (gaussian_filter(each, CORNER_SCALE, mode="reflect") for each in products)
    smaller = (rows + columns) / 2 - np.sqrt(((rows - columns) / 2) ** 2 + mixed**2)
    corners: Array = np.clip(smaller, 0, 1)
    return corners
