"""A space of cells: a level of a frozen trunk to read, and an operation on every edge of a small graph."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from itertools import combinations
from typing import Self

import torch
from torch import Tensor, nn

from taskzoo.probe.network import State, device
from taskzoo.search.operations import OPERATIONS, entry
from taskzoo.search.space import Architecture, Choice, decode, narrow
from taskzoo.search.supernet import Gated, Supernet
from taskzoo.search.trunk import Trunk, level_maps, load_trunk, usable_levels

LEVEL = "level"


class Cell(nn.Module):
    """A dense directed graph with one operation per edge.

    Node 0 is the input at the cell's width; node j sums the operations on the edges from all earlier nodes.
    The nodes after 0 are concatenated, averaged over space and classified linearly.

    Args:
        entry: Brings the feature map read to the cell's width.
        edges: Operation by decision, for all pairs of nodes.
        head: Maps the averages to logits.
    """

    def __init__(self, entry: nn.Module, edges: nn.ModuleDict, head: nn.Linear) -> None:
        super().__init__()
        self.nodes = 1 + max(int(name.split("_")[1]) for name in edges)
        self.entry, self.edges, self.head = entry, edges, head
        self.last = nn.ReLU()  # A module, so that NASWOT finds units in a cell of pooling alone.

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits [N, K] of a feature map [N, C, h, w]."""
        # Half the time on a CPU, for pooling and depthwise convolutions.
        nodes = [self.entry(maps.contiguous(memory_format=torch.channels_last))]
        for end in range(1, self.nodes):
            terms = [self.edges[f"{start}_{end}"](nodes[start]) for start in range(end)]
            nodes.append(reduce(torch.add, terms))
        pooled = self.last(torch.cat(nodes[1:], 1)).mean((2, 3))
        logits: Tensor = self.head(pooled)
        return logits


class CellOnLevel(nn.Module):
    """A cell that takes its level from the feature maps of all levels."""

    def __init__(self, cell: Cell, position: int) -> None:
        super().__init__()
        self.cell = cell
        self.position = position

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Return logits [N, K] of one feature map per level."""
        logits: Tensor = self.cell(inputs[self.position])
        return logits


class CellOnTrunk(nn.Module):
    """Trunk and cell as one network over images."""

    def __init__(self, trunk: Trunk, cell: Cell) -> None:
        super().__init__()
        self.trunk = trunk
        self.cell = cell

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [N, K] of normalised images [N, 3, H, W]."""
        (maps,) = self.trunk(images)
        logits: Tensor = self.cell(maps)
        return logits


class CellSpace:
    """All cells of one width and node count on one trunk.

    Decision ``level`` names a feature level of the trunk, ``edge_i_j`` the operation from node i to node j.

    Args:
        backbone: The trunk's timm name.
        state: The whole backbone's state.
        image_size: Pixels a side.
        nodes: Nodes of the cell, the input among them.
        width: Channels of the cell.
        choices: The decisions; left out, all levels and all operations.

    Raises:
        InputError: If the backbone is unknown or gives no usable feature map, or the state does not fill it.
    """

    def __init__(
        self,
        backbone: str,
        state: State,
        image_size: int,
        nodes: int,
        width: int,
        choices: tuple[Choice, ...] | None = None,
    ) -> None:
        self.backbone, self.state, self.image_size = backbone, state, image_size
        self.nodes, self.width = nodes, width
        self.edges = tuple(combinations(range(nodes), 2))
        self.choices = choices or self._all_choices()
        self._trunk = self._make_trunk(tuple(_level(option) for option in self.choices[0].options))
        self._trunk.requires_grad_(False).to(device())
        blank = torch.zeros(1, 3, image_size, image_size)
        self._channels = [maps.shape[1] for maps in self.inputs(blank)]

    @property
    def equal_sizes(self) -> bool:
        """Whether one level is left; levels differ in their maps."""
        return len(self.choices[0].options) == 1

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return the frozen trunk's maps of images [N, 3, H, W], on the CPU, one per option of ``level``."""
        return level_maps(self._trunk, images, next(self._trunk.parameters()).device)

    def build(self, architecture: Architecture, classes: int) -> CellOnLevel:
        """Return a cell initialised from torch's current seed; it eats a batch of ``inputs``."""
        named = decode(self, architecture)
        return self._cells(architecture[:1], lambda edge: OPERATIONS[named[edge]](self.width), classes)[0]

    def supernet(self, classes: int) -> Supernet:
        """Return a network of all cells; each level has an entry of its own, edges and head are the same on all.

        Maps of different levels differ in size, and to resize them would make the cell another function than the one it
        is alone. So several open levels are mixed in their logits, at the price of a pass through the edges for each.
        """
        options = {choice.name: choice.options for choice in self.choices}

        def gated(edge: str) -> Gated:
            return Gated(edge, [OPERATIONS[option](self.width) for option in options[edge]])

        levels = range(len(options[LEVEL]))
        return Supernet(Gated(LEVEL, self._cells(levels, gated, classes)), self.choices)

    def assemble(self, architecture: Architecture, module: nn.Module) -> CellOnTrunk:
        """Put a copy of a built cell on a trunk of its own, cut off above the cell's level.

        Args:
            architecture: Option indices.
            module: What ``build`` made of them.

        Returns:
            A network over images, on the CPU, in evaluation mode, all weights trainable.

        Raises:
            TypeError: If ``build`` did not make the module.
        """
        if not isinstance(module, CellOnLevel):
            raise TypeError(f"expected a network that build() made, got {type(module).__name__}")
        level = _level(self.choices[0].options[architecture[0]])
        return CellOnTrunk(self._make_trunk((level,)), deepcopy(module.cell).cpu()).eval()

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named options."""
        choices = narrow(self.choices, keep)
        return type(self)(self.backbone, self.state, self.image_size, self.nodes, self.width, choices)

    def _cells(
        self, positions: Sequence[int], operation: Callable[[str], nn.Module], classes: int
    ) -> list[CellOnLevel]:
        """Return a cell on each of some levels, all with the same edges and head."""
        entries = [entry(self._channels[position], self.width) for position in positions]
        edges = nn.ModuleDict({_edge(*edge).removeprefix("edge_"): operation(_edge(*edge)) for edge in self.edges})
        head = nn.Linear(self.width * (self.nodes - 1), classes)
        cells = [Cell(entry, edges, head) for entry in entries]
        return [CellOnLevel(cell, position) for cell, position in zip(cells, positions, strict=True)]

    def _all_choices(self) -> tuple[Choice, ...]:
        levels = tuple(f"level{level}" for level in usable_levels(self.backbone, self.image_size))
        operations = tuple(OPERATIONS)
        return (Choice(LEVEL, levels), *(Choice(_edge(*edge), operations) for edge in self.edges))

    def _make_trunk(self, levels: tuple[int, ...]) -> Trunk:
        with torch.random.fork_rng(devices=[]):  # Its random weights are overwritten; the caller's seed is kept.
            trunk = Trunk(self.backbone, self.image_size, levels)
        load_trunk(trunk, self.state, self.backbone)
        return trunk.eval()


def _edge(start: int, end: int) -> str:
    return f"edge_{start}_{end}"


def _level(option: str) -> int:
    return int(option.removeprefix("level"))
