"""Rooms as a source of views, in the form of Taskonomy's files."""

from collections.abc import Mapping
from functools import lru_cache, partial

import numpy as np

from taskzoo.data.dense.rooms.casting import cast, lit
from taskzoo.data.dense.rooms.maps import geometry
from taskzoo.data.dense.rooms.paint import SAMPLES, photograph, random_appearance
from taskzoo.data.dense.rooms.scene import Scene, random_camera, random_scene
from taskzoo.data.dense.views import RGB, View, Views, encoding_of
from taskzoo.data.images import encode
from taskzoo.params import DatasetParams, TargetName

VIEWS = 10
MAPS: tuple[TargetName, ...] = (
    "depth_euclidean",
    "depth_zbuffer",
    "edge_occlusion",
    "keypoints3d",
    "normal",
    "principal_curvature",
    "reshading",
)


def read_rooms(params: DatasetParams) -> Views:
    """List the views of synthetic rooms; a room or view more leaves the others as they are.

    Args:
        params: How many rooms and views, their size in pixels, the seed.

    Returns:
        The views, rendered as they are asked for.
    """
    return Views(
        format="rooms",
        domains=MAPS,
        synthetic=True,
        views=[
            View(
                path=f"room {room}/view {view}",
                group=f"room {room}",
                split=None,
                read=partial(render, params.seed, room, view, params.image_size),
            )
            for room in range(params.rooms)
            for view in range(params.views or VIEWS)
        ],
    )


def render(seed: int, room: int, view: int, side: int) -> Mapping[str, bytes]:
    """Return the PNG files of one view by domain, ``rgb`` among them.

    Args:
        seed: Of all rooms.
        room: Number of the room.
        view: Number of the view in it.
        side: Pixels a side.

    Returns:
        The same bytes for the same arguments.
    """
    scene = _scene(seed, room)
    rng = np.random.default_rng([seed, room, view])
    camera = random_camera(scene, rng)
    maps, seen = geometry(cast(scene.shapes, camera, side), camera)
    hits = cast(scene.shapes, camera, side * SAMPLES)
    appearance = random_appearance(len(scene.shapes), scene.lights, rng)
    files = {domain: encoding_of(domain).write(values, seen) for domain, values in maps.items()}
    return files | {RGB: encode(photograph(hits, partial(lit, scene.shapes), appearance))}


@lru_cache(maxsize=1)
def _scene(seed: int, room: int) -> Scene:
    return random_scene(np.random.default_rng([seed, room]))
