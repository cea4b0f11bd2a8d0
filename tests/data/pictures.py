"""Small images and folders of images, each picture different from all others."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from taskzoo.params import DatasetParams

Pixels = npt.NDArray[np.uint8]


def noise(seed: int, channels: int = 3, side: int = 8) -> Pixels:
    shape = (side, side, 3) if channels == 3 else (side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(picture: Image.Image | Pixels, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def image_folder(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Make one folder a class, holding so many PNG files each; returns ``root``."""
    seed = first
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / name / f"{number:03d}.png").write_bytes(encoded(noise(seed)))
            seed += 1
    return root


def dataset(path: Path | str, **options: Any) -> DatasetParams:
    return DatasetParams.model_validate({"path": str(path), **options})
