"""Targets that the image itself gives: what goes in, and what should come out."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, permutations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter, sobel

from taskzoo.data.dense.colour import grey, lab
from taskzoo.data.dense.segmentation import boundaries, segment
from taskzoo.errors import InputError

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]

STRONGEST_EDGE = 0.25
STRONGEST_KEYPOINT = 0.005
KEYPOINT_SCALES = (1.0, 1.5, 2.0, 3.0)
NOISE = 0.1  # standard deviation, of pixels in [0, 1]
MID_GREY = 128
GRID = 3
ARRANGEMENTS = 100
CROP = 0.9  # of a tile's side, so that tiles cannot be matched by their borders
SMALLEST_JIGSAW = 48


@dataclass(frozen=True)
class Example:
    """One image to look at and what it should give.

    Attributes:
        image: Pixels [H, W, 3]; what a task takes away or adds is gone or there.
        target: [C, H, W], or [C, 1, 1] where the whole image has one.
        valid: Whether the target means anything.
    """

    image: Pixels
    target: Values
    valid: bool = True


def edge_texture(image: Pixels, seed: int) -> Example:
    """2D edges in [0, 1]: the Sobel magnitude of the smoothed luminance, 0.25 and more as 1."""
    smooth = gaussian_filter(grey(image), 1.0, mode="reflect")
    # A quarter of scipy's kernel weighs 1 in all; the mean square over both directions.
    magnitude = np.hypot(sobel(smooth, 0), sobel(smooth, 1)) / (4 * np.sqrt(2))
    return Example(image, _map(np.clip(magnitude / STRONGEST_EDGE, 0, 1)))


def keypoints2d(image: Pixels, seed: int) -> Example:
    """2D keypoints in [0, 1]: the largest sigma^4 (Lxx Lyy - Lxy^2) over scales, 0.005 and more as 1."""
    luminance = grey(image)
    best = np.zeros_like(luminance)
    for sigma in KEYPOINT_SCALES:
        rows, columns, mixed = (
            gaussian_filter(luminance, sigma, order=order, mode="reflect") for order in ((2, 0), (0, 2), (1, 1))
        )
        np.maximum(best, sigma**4 * (rows * columns - mixed**2), out=best)
    return Example(image, _map(np.minimum(best / STRONGEST_KEYPOINT, 1)))


def autoencoding(image: Pixels, seed: int) -> Example:
    """The image itself, in [-1, 1]."""
    return Example(image, _signed(image))


def denoising(image: Pixels, seed: int) -> Example:
    """The clean image in [-1, 1], from one with Gaussian noise of variance 0.01, clipped."""
    noise = np.random.default_rng(seed).normal(0, NOISE * 255, image.shape)
    return Example(np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8), _signed(image))


def inpainting(image: Pixels, seed: int) -> Example:
    """The whole image in [-1, 1], from one whose central half by half is mid grey."""
    height, width, _ = image.shape
    holed = image.copy()
    holed[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2] = MID_GREY
    return Example(holed, _signed(image))


def colorization(image: Pixels, seed: int) -> Example:
    """The a and b of Lab colours, divided by 100, from the lightness L as grey."""
    colours = lab(image)
    lightness = np.rint(colours[..., :1] * (255 / 100)).astype(np.uint8)
    return Example(np.repeat(lightness, 3, 2), (colours[..., 1:] / 100).transpose(2, 0, 1))


def segment_unsup2d(image: Pixels, seed: int) -> Example:
    """2D segmentation: 1 on the boundaries of regions of one colour, else 0."""
    return Example(image, _map(boundaries(segment(image))))


def jigsaw(image: Pixels, seed: int) -> Example:
    """Which of 100 arrangements the 3 x 3 tiles are in, from the tiles, each cropped at random.

    Args:
        image: Pixels [H, W, 3].
        seed: Of the arrangement and the crops.

    Returns:
        The rearranged image and the arrangement's number [1, 1, 1]; not valid for an image of one colour.

    Raises:
        InputError: If the image is too small to cut.
    """
    if min(image.shape[:2]) < SMALLEST_JIGSAW:
        raise InputError(
            f"jigsaw has images of {image.shape[1]}x{image.shape[0]} pixels; expected {SMALLEST_JIGSAW} a side at "
            "least, for tiles that show something; raise probe.image_size."
        )
    rng = np.random.default_rng(seed)
    number = int(rng.integers(ARRANGEMENTS))
    rows, columns = (np.linspace(0, side, GRID + 1).round().astype(int) for side in image.shape[:2])
    cells = [
        (slice(top, bottom), slice(left, right)) for top, bottom in pairwise(rows) for left, right in pairwise(columns)
    ]
    shuffled = np.empty_like(image)
    for place, origin in zip(cells, arrangements()[number], strict=True):
        shuffled[place] = _cropped(image[cells[origin]], shuffled[place].shape[:2], rng)
    flat = bool((image == image[:1, :1]).all())
    return Example(shuffled, np.full((1, 1, 1), number, np.float64), valid=not flat)


@lru_cache(maxsize=1)
def arrangements() -> list[tuple[int, ...]]:
    """Return 100 permutations of 9 tiles, each as far as can be, in places that differ, from all before it."""
    tiles = GRID**2
    every = np.fromiter(chain.from_iterable(permutations(range(tiles))), np.uint8).reshape(-1, tiles).T.copy()
    nearest = np.full(every.shape[1], tiles + 1, np.uint8)
    chosen: list[tuple[int, ...]] = []
    while len(chosen) < ARRANGEMENTS:
        following = every[:, nearest.argmax()]
        chosen.append(tuple(following.tolist()))
        distance = np.zeros_like(nearest)
        for tile, place in zip(following, every, strict=True):
            distance += place != tile
        np.minimum(nearest, distance, out=nearest)
    return chosen


def _cropped(tile: Pixels, shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    height, width = (int(side * CROP) for side in tile.shape[:2])
    top, left = rng.integers(tile.shape[0] - height + 1), rng.integers(tile.shape[1] - width + 1)
    crop = Image.fromarray(tile[top : top + height, left : left + width])
    return np.asarray(crop.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def _map(values: npt.NDArray[np.generic]) -> Values:
    return values[None].astype(np.float64)


def _signed(image: Pixels) -> Values:
    return image.transpose(2, 0, 1) / 127.5 - 1
