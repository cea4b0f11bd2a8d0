"""A few numbers of an image's pixels: colour, contrast, roughness."""

import numpy as np
import numpy.typing as npt


def pixel_statistics(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return mean and spread of each channel, and how much horizontal neighbours differ, of each image.

    Args:
        images: [N, 3, H, W].

    Returns:
        [N, 7], in shares of the range of pixels.
    """
    pixels = images.astype(np.float64) / 255
    rough = np.abs(np.diff(pixels, axis=3)).mean((1, 2, 3))
    return np.column_stack([pixels.mean((2, 3)), pixels.std((2, 3)), rough])
