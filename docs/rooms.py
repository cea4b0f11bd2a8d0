"""The picture of synthetic rooms in ``dense.md``: one row a domain, one column a room.

Run it from the project's folder whenever the rooms or recipes change: ``python -m docs.rooms``.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from taskzoo.data.dense.tasks import DenseTask, load_dense_task
from taskzoo.data.store import build_dataset
from taskzoo.files import write_with
from taskzoo.params import DatasetParams, SizeParams, SplitParams, TargetName, TaskParams

PICTURE = Path(__file__).resolve().parent / "images" / "rooms.png"
SIDE = 64
COLUMNS = 7
LABEL = 150
GAP = 3
COLOURS = 256
ROOMS = DatasetParams(path="taskzoo/data/dense/rooms", format="rooms", rooms=16, views=1, image_size=SIDE, seed=3)
SHOWN: tuple[TargetName, ...] = (
    "depth_euclidean",
    "depth_zbuffer",
    "normal",
    "principal_curvature",
    "reshading",
    "edge_occlusion",
    "keypoints3d",
    "edge_texture",
    "keypoints2d",
    "segment_unsup2d",
    "colorization",
)
INPUTS: tuple[TargetName, ...] = ("denoising", "inpainting", "jigsaw")
MISSING = np.array([0.9, 0.5, 0.7])  # a colour that no map of grey has
Pixels = npt.NDArray[np.float64]


def main() -> int:
    """Return the exit status after drawing the rooms."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "rooms"
        build_dataset("rooms", ROOMS, SplitParams(), folder)
        tasks = {name: load(name, folder) for name in (*SHOWN, *INPUTS)}
    rows = {"rgb (autoencoding)": pictures(tasks["normal"])}
    rows |= {name: coloured(tasks[name]) for name in SHOWN}
    rows |= {f"{name}: input": pictures(tasks[name]) for name in INPUTS}
    # A palette keeps the file small; the picture is looked at, not measured.
    write_with(PICTURE, lambda temporary: sheet(rows).quantize(COLOURS).save(temporary, "PNG"))
    return 0


def load(target: TargetName, folder: Path) -> DenseTask:
    """Return a task of the stored rooms; the same images in the same order whatever the target."""
    sizes = SizeParams(train=COLUMNS, val=4, test=4)
    return load_dense_task(target, TaskParams(dataset="rooms", target=target), folder, sizes, SIDE, 0, ["train"])


def pictures(task: DenseTask) -> Pixels:
    """Return the images that a task shows, [N, S, S, 3] in [0, 1]."""
    return task.train.images.transpose(0, 2, 3, 1) / 255


def coloured(task: DenseTask) -> Pixels:
    """Return a task's targets as pixels [N, S, S, 3] in [0, 1]: one channel as grey, others as colours."""
    split = task.train
    values = split.targets.transpose(0, 2, 3, 1).astype(np.float64)
    if values.shape[3] == 1:
        low, high = np.percentile(split.targets[split.valid], [0, 99.9])
        pixels = np.clip((values - low) / (high - low), 0, 1).repeat(3, 3)
    else:
        padded = np.concatenate([values, np.zeros((*values.shape[:3], 3 - values.shape[3]))], 3)
        pixels = np.clip(0.5 + padded / (2 * np.abs(padded).max()), 0, 1)
    return np.where(split.valid.transpose(0, 2, 3, 1), pixels, MISSING)


def sheet(rows: dict[str, Pixels]) -> Image.Image:
    """Return one picture with a strip of images for each row, its name on the left."""
    height = SIDE + GAP
    picture = Image.new("RGB", (LABEL + COLUMNS * SIDE, len(rows) * height - GAP), "white")
    pen = ImageDraw.Draw(picture)
    for number, (name, images) in enumerate(rows.items()):
        strip = np.rint(np.concatenate(list(images), 1) * 255).astype(np.uint8)
        picture.paste(Image.fromarray(strip), (LABEL, number * height))
        pen.text((LABEL - 8, number * height + SIDE // 2), name, "black", ImageFont.load_default(14), "rm")
    return picture


if __name__ == "__main__":
    sys.exit(main())
