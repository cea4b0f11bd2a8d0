"""The geometry of a view as target images, each exact at the pixel's centre."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from taskzoo.data.dense.domains import STRONGEST_OCCLUSION
from taskzoo.data.dense.encodings import Mask, Values
from taskzoo.data.dense.rooms.casting import Camera, Hits
from taskzoo.data.dense.rooms.shapes import Array, dot
from taskzoo.params import TargetName

HALF_BRIGHT = 8.0  # metres at which Taskonomy's light has half its strength
DEPTH_JUMP = 0.05
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
        "edge_occlusion": np.where(occlusion_edges(hits, normals), STRONGEST_OCCLUSION, 0.0),
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


def occlusion_edges(hits: Hits, normals: Array) -> npt.NDArray[np.bool_]:
    """Return the pixels of a surface that ends in front of another one beside it.

    A neighbour shows another shape, more than 5 % farther. Where the nearer surface is flat and, continued to the
    neighbour's ray, would go behind what is seen there, the two surfaces meet between the pixels: a crease, no
    edge.

    Args:
        hits: Of the view.
        normals: In camera axes [S * S, 3].

    Returns:
        [S, S].
    """
    side = hits.side
    number = np.arange(side * side).reshape(side, side)
    edges = np.zeros(side * side, dtype=bool)
    for one, other in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
        for near, far in ((one.ravel(), other.ravel()), (other.ravel(), one.ravel())):
            jump = (hits.shapes[near] != hits.shapes[far]) & np.isfinite(hits.depth[far])
            jump &= hits.depth[far] > hits.depth[near] * (1 + DEPTH_JUMP)
            near, far = near[jump], far[jump]
            # The plane n . p = n . p0 at the neighbour's ray r has depth (n . p0) / (n . r); n . r < 0 faces us.
            offset = dot(normals[near], hits.rays[near]) * hits.depth[near]
            slope = dot(normals[near], hits.rays[far])
            flat = (hits.curvatures[near] == 0).all(1)
            meets = flat & (slope < 0) & (offset <= slope * hits.depth[far])
            edges[near[~meets]] = True
    return edges.reshape(side, side)


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
