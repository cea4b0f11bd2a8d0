"""The cells of NAS-Bench-201 (Dong and Yang, 2020): 15,625 networks, whose accuracies others have measured."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn

from taskzoo.search.space import Architecture, Choice, ImageSpace, OnImages, decode, narrow
from taskzoo.search.supernet import Gated, Supernet

NODES = 4
EDGES = tuple((start, end) for end in range(1, NODES) for start in range(end))
KERNELS = {"none": 0, "skip_connect": 0, "nor_conv_1x1": 1, "nor_conv_3x3": 3, "avg_pool_3x3": 0}  # Of convolutions.
OPERATIONS = tuple(KERNELS)
STAGES = 3
Operations = Mapping[str, Callable[[int], nn.Module]]
"""By decision: makes what is on the edge, for so many channels."""


class NASBench201Space(ImageSpace):
    """Networks of three stages of equal cells; a cell sums one operation an edge on each of its nodes.

    Decision ``edge_i_j`` names the operation from node i to node j.

    Args:
        width: Channels of the first stage; each later one has twice as many.
        cells: Cells a stage.
        choices: The decisions; left out, all operations on every edge.
    """

    equal_sizes = True

    def __init__(self, width: int = 16, cells: int = 5, choices: tuple[Choice, ...] | None = None) -> None:
        self.width, self.cells = width, cells
        self.choices = choices or tuple(Choice(_edge(start, end), OPERATIONS) for start, end in EDGES)

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        """Return the network, initialised from torch's current seed."""
        operations = {name: partial(operation, option) for name, option in decode(self, architecture).items()}
        return OnImages(Network(operations, self.width, self.cells, classes))

    def supernet(self, classes: int) -> Supernet:
        """Return a network of all options on every edge of every cell, initialised from torch's current seed."""
        operations = {choice.name: partial(_gated, choice) for choice in self.choices}
        return Supernet(OnImages(Network(operations, self.width, self.cells, classes)), self.choices)

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named options."""
        return type(self)(self.width, self.cells, narrow(self.choices, keep))

    def costs(self, architecture: Architecture, classes: int, image_size: int) -> tuple[int, int]:
        """Return weights and multiply-accumulates of a network without building it; both are sums over its edges."""
        kernels = [KERNELS[name] for name in decode(self, architecture).values()]
        squares, count = sum(kernel**2 for kernel in kernels), sum(kernel > 0 for kernel in kernels)
        weights, macs = 27 * self.width + 2 * self.width, 27 * self.width * image_size**2
        for stage in range(STAGES):
            side = -(-image_size >> stage)  # Odd maps are halved upwards.
            wide, pixels = self.width << stage, side**2
            weights += self.cells * (squares * wide**2 + 2 * count * wide)
            macs += self.cells * squares * wide**2 * pixels
            if stage:  # A residual block leads here: two 3x3 convolutions and a pointwise one, from half as many.
                weights += 14 * wide**2 + 4 * wide
                macs += 14 * wide**2 * pixels
        wide = self.width << (STAGES - 1)
        return weights + 2 * wide + (wide + 1) * classes, macs + wide * classes


class Network(nn.Module):
    """Stem, three stages of cells with residual blocks between them, and a linear head.

    Args:
        operations: Of every cell.
        width: Channels of the first stage.
        cells: Cells a stage.
        classes: Number of outputs.
    """

    def __init__(self, operations: Operations, width: int, cells: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        body: list[nn.Module] = []
        for stage in range(STAGES):
            wide = width << stage
            if stage:
                body.append(Reduction(wide // 2, wide))
            body.extend(Cell(operations, wide) for _ in range(cells))
        self.body = nn.Sequential(*body)
        self.last = nn.Sequential(nn.BatchNorm2d(wide), nn.ReLU())
        self.head = nn.Linear(wide, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [N, K] of normalised images [N, 3, H, W]."""
        logits: Tensor = self.head(self.last(self.body(self.stem(images))).mean((2, 3)))
        return logits


class Cell(nn.Module):
    """Four nodes; each sums the operations on the edges from all earlier ones, and the last is the output."""

    def __init__(self, operations: Operations, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict({name: make(channels) for name, make in operations.items()})

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape, [N, C, h, w]."""
        nodes = [maps]
        for end in range(1, NODES):
            terms = [self.edges[_edge(start, end)](nodes[start]) for start in range(end)]
            nodes.append(torch.stack(terms).sum(0))
        return nodes[-1]


class Reduction(nn.Module):
    """A residual block that halves the map and doubles the channels."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(_convolution(channels, outputs, 3, stride=2), _convolution(outputs, outputs, 3))
        self.side = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(channels, outputs, 1, bias=False))

    def forward(self, maps: Tensor) -> Tensor:
        """Return [N, 2C, h / 2, w / 2] of [N, C, h, w]."""
        out: Tensor = self.main(maps) + self.side(maps)
        return out


class Zero(nn.Module):
    """No connection."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(maps)


def operation(name: str, channels: int) -> nn.Module:
    """Return one of ``OPERATIONS``; it keeps the shape [N, C, h, w]."""
    if kernel := KERNELS[name]:
        return _convolution(channels, channels, kernel)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return nn.Identity() if name == "skip_connect" else Zero()


def _gated(choice: Choice, channels: int) -> Gated:
    return Gated(choice.name, [operation(option, channels) for option in choice.options])


def _convolution(channels: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    """Return ReLU, convolution, batch normalisation."""
    convolution = nn.Conv2d(channels, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))


def _edge(start: int, end: int) -> str:
    return f"edge_{start}_{end}"


def cell_string(operations: Mapping[str, str]) -> str:
    """Return the benchmark's own name of a cell, as in ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+...``."""
    nodes = [
        "|" + "".join(f"{operations[_edge(start, end)]}~{start}|" for start in range(end)) for end in range(1, NODES)
    ]
    return "+".join(nodes)
