"""Mesh files as a source of views, in the form of Taskonomy's files: one file a place, each in one split."""

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from taskzoo.data.dense.meshes.mesh import Mesh, make_mesh
from taskzoo.data.dense.rooms.casting import Camera, Hits
from taskzoo.data.dense.rooms.maps import geometry
from taskzoo.data.dense.rooms.paint import SAMPLES, photograph, random_appearance
from taskzoo.data.dense.rooms.scene import ATTEMPTS, MAX_OUTSIDE, MIN_DEPTH, SKETCH
from taskzoo.data.dense.rooms.source import MAPS, VIEWS
from taskzoo.data.dense.views import RGB, View, Views, encoding_of
from taskzoo.data.images import encode
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams

SUFFIXES = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")
EYES = (0.8, 1.8)  # metres above the floor
LAMP = 0.4  # metres above the eyes
COLOURS = 64  # Smooth patches of one view that look different.
MIN_SPREAD = 0.25  # of depth, a standard deviation as a share of the mean: less is a bare wall


def read_meshes(name: str, params: DatasetParams) -> Views:
    """List the views of mesh files: metres, y up, right-handed, as glTF has them.

    Args:
        name: The data set, for messages.
        params: The folder of the files, how many views a file, their size in pixels, the seed.

    Returns:
        The views, rendered as they are asked for.

    Raises:
        InputError: If trimesh or embreex is not installed, or the folder holds no meshes.
    """
    try:
        import trimesh.ray.ray_pyembree  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"datasets.{name}.format is meshes, which needs trimesh and embreex ({error}); expected them beside "
            "taskzoo; run pip install 'taskzoo[meshes]'."
        ) from error
    folder = Path(params.path)
    places = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.suffix in SUFFIXES)
    if not places:
        raise InputError(
            f"datasets.{name}.path is {folder}, which holds no mesh; expected a folder of files of the kinds "
            f"{', '.join(SUFFIXES)}; correct the path."
        )
    return Views(
        format="meshes",
        domains=MAPS,
        synthetic=True,
        views=[
            View(path=f"{place}/view {view}", group=place, split=None, read=partial(render, params, place, view))
            for place in places
            for view in range(params.views or VIEWS)
        ],
    )


def render(params: DatasetParams, place: str, view: int) -> Mapping[str, bytes]:
    """Return the PNG files of one view by domain, ``rgb`` among them.

    Args:
        params: The folder of all meshes, the seed, the size in pixels.
        place: The mesh's file below that folder.
        view: Number of the view.

    Returns:
        The same bytes for the same arguments and file.
    """
    file = Path(params.path) / place
    mesh, side = load_mesh(file), params.image_size
    rng = np.random.default_rng([params.seed, view, *place.encode()])
    camera = _random_camera(mesh, file, rng)
    maps, seen = geometry(mesh.cast(camera, side), camera)
    appearance = random_appearance(COLOURS, camera.position + np.array([[0, LAMP, 0]]), rng)
    files = {domain: encoding_of(domain).write(values, seen) for domain, values in maps.items()}
    return files | {RGB: encode(photograph(mesh.cast(camera, side * SAMPLES), mesh.lit, appearance))}


@lru_cache(maxsize=1)
def load_mesh(file: Path) -> Mesh:
    """Read a mesh file and turn its z ahead; one that cannot be read or is empty is refused by InputError."""
    import trimesh

    try:
        loaded = trimesh.load_mesh(file)
        loaded.merge_vertices(merge_tex=True, merge_norm=True)
        loaded.update_faces(loaded.nondegenerate_faces())
        loaded.apply_transform(np.diag([1, 1, -1, 1]))  # z ahead, as in the rooms
    except Exception as error:  # Readers of untrusted files raise what they like.
        raise InputError(
            f"{file} cannot be read as a mesh ({' '.join(str(error).split())[:120]}); expected triangles in one of "
            f"{', '.join(SUFFIXES)}; mend or remove it."
        ) from error
    if not len(loaded.faces) or not np.isfinite(loaded.vertices).all():
        raise InputError(f"{file} has no triangles, or corners that are not finite; expected some; mend or remove it.")
    return make_mesh(loaded)


def _random_camera(mesh: Mesh, file: Path, rng: np.random.Generator) -> Camera:
    """Draw a camera at the height of eyes above some floor, again until it sees more than a wall or the open."""
    low, high = mesh.corners.min((0, 1)), mesh.corners.max((0, 1))
    for _ in range(ATTEMPTS):
        above = rng.uniform(low, high)
        _, (fall,) = mesh.meet(above[None], np.array([[0.0, -1.0, 0.0]]))
        height = above[1] - fall + rng.uniform(*EYES)
        camera = Camera(
            np.array([above[0], height, above[2]]), float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(-0.45, 0.15))
        )
        if np.isfinite(fall) and _sees_enough(mesh.cast(camera, SKETCH)):
            return camera
    size = " x ".join(f"{length:.3g}" for length in high - low)
    raise InputError(
        f"{file} of {size} metres shows a room from none of {ATTEMPTS} places at the height of eyes; expected rooms "
        "seen from inside, in metres, y up; scale or turn it, or remove it."
    )


def _sees_enough(hits: Hits) -> bool:
    met = hits.depth[np.isfinite(hits.depth)]
    if len(met) < (1 - MAX_OUTSIDE) * len(hits.depth):
        return False
    return bool(met.min() > MIN_DEPTH and met.std() > MIN_SPREAD * met.mean())
