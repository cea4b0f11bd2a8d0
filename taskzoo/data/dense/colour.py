"""Grey, and the CIE Lab colours of sRGB pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]

LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709, as in scikit-image
TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def grey(rgb: Pixels) -> Array:
    """Return the luminance [H, W] in [0, 1] of pixels [H, W, 3]."""
    luminance: Array = rgb / 255 @ LUMINANCE
    return luminance


def lab(rgb: Pixels) -> Array:
    """Return L in [0, 100], a and b of pixels [H, W, 3], in the last axis."""
    shares: npt.NDArray[Any] = rgb / 255
    linear = np.where(shares > 0.04045, ((shares + 0.055) / 1.055) ** 2.4, shares / 12.92)
    xyz = linear @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
