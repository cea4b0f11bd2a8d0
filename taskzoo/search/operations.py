"""Operations on a cell's edges; each keeps the shape [N, C, h, w]."""

from collections.abc import Callable

from torch import nn


def entry(channels: int, width: int) -> nn.Module:
    """Return what brings a feature map to a width: 1x1 convolution, batch normalisation."""
    return nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width))


def _separable(channels: int, kernel: int, dilation: int) -> nn.Module:
    """Return ReLU, depthwise convolution, 1x1 convolution, batch normalisation."""
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, padding=padding, dilation=dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


def _factorised(channels: int) -> nn.Module:
    """Return ReLU, 1x7 convolution, 7x1 convolution, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, 7), padding=(0, 3), bias=False),
        nn.Conv2d(channels, channels, (7, 1), padding=(3, 0), bias=False),
        nn.BatchNorm2d(channels),
    )


# There is no "none": it could cut every path from input to output, and such a cell answers the same for all
# images. The graph stays dense, as in FUSE's published space, and "skip" is the operation that costs nothing.
OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "skip": lambda channels: nn.Identity(),
    "maxpool3x3": lambda channels: nn.MaxPool2d(3, stride=1, padding=1),
    "avgpool3x3": lambda channels: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "sep3x3": lambda channels: _separable(channels, 3, 1),
    "sep5x5": lambda channels: _separable(channels, 5, 1),
    "dil3x3": lambda channels: _separable(channels, 3, 2),
    "conv1x7_7x1": _factorised,
}
