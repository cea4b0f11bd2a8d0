"""How values stand in Taskonomy's PNG files: units, and which pixels are missing."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from taskzoo.data.images import DAMAGE
from taskzoo.errors import InputError

Raw = npt.NDArray[Any]  # uint8 [H, W, 3], uint8 [H, W] or uint16 [H, W]
Values = npt.NDArray[np.float64]  # [C, H, W]
Mask = npt.NDArray[np.bool_]

DEPTH_UNITS = 512  # a metre
FULL = 65535
# Missing depth is 65535; Taskonomy's loader drops all from 64500 on, since interpolation smears the holes' borders.
MISSING_FROM = 64500
CURVATURE_ZERO = 127
MAX_CURVATURE = 1 / 0.03  # per metre
CURVATURE_UNITS = 127 / MAX_CURVATURE
MIRROR = np.array([-1.0, 1.0, 1.0])[:, None, None]  # red holds minus x
BIT_DEPTH, COLOUR_TYPE = 24, 25  # places in a PNG file's header
GREY, PALETTE = 0, 3


@dataclass(frozen=True)
class Encoding:
    """One form of file.

    Attributes:
        bits: A channel.
        channels: Of the file: 1 or 3.
        decode: File pixels to values [C, H, W] in the domain's unit; missing pixels give any finite number.
        encode: Values [C, H, W] and validity [H, W] to file pixels.
        valid: Whether each file pixel holds a value, by this file alone, [H, W].
    """

    bits: Literal[8, 16]
    channels: Literal[1, 3]
    decode: Callable[[Raw], Values]
    encode: Callable[[Values, Mask], Raw]
    valid: Callable[[Raw], Mask]

    def read(self, content: bytes, where: str) -> Raw:
        """Decode a PNG file without a loss.

        Args:
            content: The file's bytes.
            where: The file, for messages.

        Returns:
            Its pixels: uint16 or uint8, [H, W] or [H, W, 3]. Opacity is dropped.

        Raises:
            InputError: If it is no whole PNG file, or has other bits or channels.
        """
        wanted = f"expected a PNG file of {self.bits} bits, {'grey' if self.channels == 1 else 'RGB'}"
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                bits, kind = content[BIT_DEPTH], content[COLOUR_TYPE]
                if bits != self.bits or kind == PALETTE or (self.bits == 16 and kind != GREY):
                    raise InputError(
                        f"{where} has {bits} bits a channel in colour mode {picture.mode}; {wanted}; a conversion has "
                        "changed its values, so copy the original file."
                    )
                pixels = np.asarray(picture if bits == 16 else picture.convert("RGB"))
        except DAMAGE as error:
            raise InputError(
                f"{where} is damaged ({' '.join(str(error).split())}); {wanted}; copy it again."
            ) from error
        if self.bits == 16 or self.channels == 3:
            return pixels
        if (pixels != pixels[..., :1]).any():
            raise InputError(f"{where} is in colour; {wanted}; copy the original file.")
        return pixels[..., 0]

    def write(self, values: Values, valid: Mask) -> bytes:
        """Return the PNG file of values [C, H, W] that are valid where [H, W] says so."""
        buffer = io.BytesIO()
        Image.fromarray(self.encode(values, valid)).save(buffer, "PNG")
        return buffer.getvalue()


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
    16,
    1,
    decode=lambda raw: raw[None] / DEPTH_UNITS,
    encode=lambda values, valid: _grey(values, valid, DEPTH_UNITS, np.uint16, FULL),
    valid=lambda raw: raw < MISSING_FROM,
)
# Edges and keypoints in [0, 1].
STRENGTH = Encoding(
    16,
    1,
    decode=lambda raw: raw[None] / FULL,
    encode=lambda values, valid: _grey(values, valid, FULL, np.uint16, 0),
    valid=_everywhere,
)
# Unit vectors: x right, y up, z away from the camera, so that a wall across from it has z = -1. Red is mirrored.
NORMAL = Encoding(8, 3, decode=_to_normals, encode=_from_normals, valid=_everywhere)
# Principal curvatures k1 >= k2 per metre, red and green; positive where the surface bulges towards the camera.
CURVATURE = Encoding(
    8,
    3,
    decode=lambda raw: (raw[..., :2].transpose(2, 0, 1) - float(CURVATURE_ZERO)) / CURVATURE_UNITS,
    encode=_from_curvatures,
    valid=_everywhere,
)
# Brightness in [0, 1].
SHADING = Encoding(
    8,
    1,
    decode=lambda raw: raw[None] / 255,
    encode=lambda values, valid: _grey(values, valid, 255, np.uint8, 0),
    valid=_everywhere,
)
# Numbers of regions, without an order.
REGIONS = Encoding(
    8,
    1,
    decode=lambda raw: raw[None].astype(np.float64),
    encode=lambda values, valid: _grey(values, valid, 1, np.uint8, 0),
    valid=_everywhere,
)
# Classes from 0; the file counts from 1, and 0 says that the class is uncertain.
CLASSES = Encoding(
    8,
    1,
    decode=lambda raw: np.maximum(raw[None].astype(np.float64) - 1, 0),
    encode=lambda values, valid: _grey(values + 1, valid, 1, np.uint8, 0),
    valid=lambda raw: raw > 0,
)
# Omnidata's masks: 0 where the mesh has a hole.
MESH = Encoding(
    8,
    1,
    decode=lambda raw: (raw[None] > 0).astype(np.float64),
    encode=lambda values, valid: _grey(values, valid, 255, np.uint8, 0),
    valid=lambda raw: raw > 0,
)
