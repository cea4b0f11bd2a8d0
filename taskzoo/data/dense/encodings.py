"""How values stand in Taskonomy's files: units, and which pixels are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from taskzoo.data.dense.camera import Pose, PoseFile, room_layout, vanishing_points
from taskzoo.data.dense.classes import OBJECTS, OBJECTS_KNOWN, SCENES, SCENES_KNOWN
from taskzoo.data.dense.files import Npy, Png, Raw

Values = npt.NDArray[np.float64]  # [C, H, W], or [C, 1, 1] of the whole image
Mask = npt.NDArray[np.bool_]

DEPTH_UNITS = 512  # a metre
FULL = 65535
# Missing depth is 65535; Taskonomy's loader drops all from 64500 on, since interpolation smears the holes' borders.
MISSING_FROM = 64500
CURVATURE_ZERO = 127
MAX_CURVATURE = 1 / 0.03  # per metre
CURVATURE_UNITS = 127 / MAX_CURVATURE
MIRROR = np.array([-1.0, 1.0, 1.0])[:, None, None]  # red holds minus x


def _never(values: Values, valid: Mask) -> Raw:
    raise NotImplementedError("files of this domain are read, never written")


@dataclass(frozen=True)
class Encoding:
    """What a file says.

    Attributes:
        file: Its form.
        decode: File pixels to values [C, H, W] in the domain's unit; missing pixels give any finite number.
        valid: Whether each file pixel holds a value, by this file alone, [H, W].
        encode: Values [C, H, W] and validity [H, W] to file pixels.
    """

    file: Png | Npy | PoseFile
    decode: Callable[[Raw], Values]
    valid: Callable[[Raw], Mask]
    encode: Callable[[Values, Mask], Raw] = _never

    @property
    def whole(self) -> bool:
        """Whether a file holds one value, of the whole image; then a view may lack it."""
        return not isinstance(self.file, Png)

    def read(self, content: bytes, where: str) -> Raw:
        """Return what a file holds; one that is damaged or of another form is refused by InputError."""
        return self.file.read(content, where)

    def write(self, values: Values, valid: Mask) -> bytes:
        """Return the file of values [C, H, W] that are valid where [H, W] says so."""
        raw = self.encode(values, valid)
        assert not isinstance(self.file, PoseFile)
        return self.file.write(raw)


def _everywhere(raw: Raw) -> Mask:
    return np.ones(raw.shape[:2], dtype=bool)


def _rounded(values: Values, kind: type[np.unsignedinteger[Any]]) -> Raw:
    return np.rint(np.clip(values, 0, np.iinfo(kind).max)).astype(kind)


def _grey(values: Values, valid: Mask, unit: float, kind: type[np.unsignedinteger[Any]], missing: int) -> Raw:
    return np.where(valid, _rounded(values[0] * unit, kind), kind(missing))


def _colour(values: Values, valid: Mask, missing: int) -> Raw:
    padded = np.concatenate([values, np.zeros((3 - len(values), *values.shape[1:]))])
    return np.where(valid[..., None], _rounded(padded.transpose(1, 2, 0), np.uint8), np.uint8(missing))


def _from_normals(values: Values, valid: Mask) -> Raw:
    return _colour((1 + values * MIRROR) / 2 * 255, valid, 128)


def _to_normals(raw: Raw) -> Values:
    values: Values = (raw.transpose(2, 0, 1) / 255 * 2 - 1) * MIRROR
    return values


def _from_curvatures(values: Values, valid: Mask) -> Raw:
    clipped = np.clip(values, -MAX_CURVATURE, MAX_CURVATURE)
    raw = _colour(clipped * CURVATURE_UNITS + CURVATURE_ZERO, valid, 0)
    raw[..., 2] = 0
    return raw


# Depth in metres, distance or z; 1/512 m, at most 128 m.
DEPTH = Encoding(
    Png(16, 1),
    decode=lambda raw: raw[None] / DEPTH_UNITS,
    encode=lambda values, valid: _grey(values, valid, DEPTH_UNITS, np.uint16, FULL),
    valid=lambda raw: raw < MISSING_FROM,
)
# Edges and keypoints in [0, 1].
STRENGTH = Encoding(
    Png(16, 1),
    decode=lambda raw: raw[None] / FULL,
    encode=lambda values, valid: _grey(values, valid, FULL, np.uint16, 0),
    valid=_everywhere,
)
# Unit vectors: x right, y up, z away from the camera, so that a wall across from it has z = -1. Red is mirrored.
NORMAL = Encoding(Png(8, 3), decode=_to_normals, encode=_from_normals, valid=_everywhere)
# Principal curvatures k1 >= k2 per metre, red and green; positive where the surface bulges towards the camera.
CURVATURE = Encoding(
    Png(8, 3),
    decode=lambda raw: (raw[..., :2].transpose(2, 0, 1) - float(CURVATURE_ZERO)) / CURVATURE_UNITS,
    encode=_from_curvatures,
    valid=_everywhere,
)
# Brightness in [0, 1].
SHADING = Encoding(
    Png(8, 1),
    decode=lambda raw: raw[None] / 255,
    encode=lambda values, valid: _grey(values, valid, 255, np.uint8, 0),
    valid=_everywhere,
)
# Numbers of regions, without an order.
REGIONS = Encoding(
    Png(8, 1),
    decode=lambda raw: raw[None].astype(np.float64),
    encode=lambda values, valid: _grey(values, valid, 1, np.uint8, 0),
    valid=_everywhere,
)
# Classes from 0; the file counts from 1, and 0 says that the class is uncertain.
CLASSES = Encoding(
    Png(8, 1),
    decode=lambda raw: np.maximum(raw[None].astype(np.float64) - 1, 0),
    encode=lambda values, valid: _grey(values + 1, valid, 1, np.uint8, 0),
    valid=lambda raw: raw > 0,
)
# Omnidata's masks: 0 where the mesh has a hole.
MESH = Encoding(
    Png(8, 1),
    decode=lambda raw: (raw[None] > 0).astype(np.float64),
    encode=lambda values, valid: _grey(values, valid, 255, np.uint8, 0),
    valid=lambda raw: raw > 0,
)


def _shares_of(
    known: int,
    lowest: float,
    kept: Sequence[int],
    shares: Callable[[Values], Values],
    scores: Callable[[Values], Values],
) -> Encoding:
    """Return the encoding of soft labels over some classes that are kept, from scores of all that are known.

    Where the scores of all of those are equal, as in a file of zeros, they say nothing.

    Args:
        known: Number of classes in a file.
        lowest: A score may be.
        kept: Numbers of the classes that are kept, K.
        shares: Of scores [K, 1, 1], not all equal, to numbers that sum to 1.
        scores: The other way.
    """

    def encode(values: Values, valid: Mask) -> Raw:
        raw = np.zeros((1, 1, known))
        raw[..., kept] = np.where(valid, scores(values).transpose(1, 2, 0), 0)
        return raw

    return Encoding(
        Npy(known, lowest),
        decode=lambda raw: shares(raw[..., kept].transpose(2, 0, 1)),
        encode=encode,
        valid=lambda raw: np.ptp(raw[..., kept], -1) > 0,
    )


def _logarithms(shares: Values) -> Values:
    scores: Values = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    return scores


def _of_sum(scores: Values) -> Values:
    shares: Values = scores / np.maximum(scores.sum(0), np.finfo(np.float64).tiny)
    return shares


def _of_exponentials(scores: Values) -> Values:
    shares: Values = softmax(scores, 0)
    return shares


# Soft labels as Taskonomy's own loader makes them: the softmax of objects' scores, those of scenes by their sum.
OBJECT = _shares_of(OBJECTS_KNOWN, -np.inf, OBJECTS, _of_exponentials, _logarithms)
SCENE = _shares_of(SCENES_KNOWN, 0, SCENES, _of_sum, lambda shares: shares)


def _of_pose(numbers: Callable[[Pose], Values | None]) -> Encoding:
    """Return the encoding of what is computed of a view's camera; it is missing where the file does not say enough."""
    return Encoding(
        PoseFile(numbers), decode=lambda raw: raw.transpose(2, 0, 1), valid=lambda raw: ~np.isnan(raw[..., 0])
    )


VANISHING = _of_pose(vanishing_points)
LAYOUT = _of_pose(room_layout)
