"""A space of decoders for dense targets: from the maps of a frozen trunk to a prediction for every pixel."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn

from taskzoo.probe.network import State, create_backbone, device
from taskzoo.probe.pyramid import map_sizes, pyramid, resized
from taskzoo.search.operations import OPERATIONS, entry
from taskzoo.search.space import Architecture, Choice, decode, narrow
from taskzoo.search.supernet import Gated, Supernet
from taskzoo.search.trunk import level_maps

FINEST, UP, BILINEAR = "finest", "up", "bilinear"


class Transposed(nn.Module):
    """A transposed convolution to twice the size, and to the wanted one where that is another.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)

    def forward(self, maps: Tensor, like: Tensor) -> Tensor:
        """Return maps at the size of others."""
        larger: Tensor = self.layer(maps)
        return larger if larger.shape[-2:] == like.shape[-2:] else resized(larger, like)


class Bilinear(nn.Module):
    """Interpolation to the wanted size."""

    def forward(self, maps: Tensor, like: Tensor) -> Tensor:
        """Return maps at the size of others."""
        return resized(maps, like)


class Decoder(nn.Module):
    """Maps from coarse to fine: each is brought to one width, what is below it is enlarged and added, then worked on.

    Args:
        entries: Of the maps, from fine to coarse.
        work: Operation on each map.
        ups: What enlarges to the next finer map.
        head: Gives the outputs.
        side: Pixels a side of the prediction.
    """

    def __init__(
        self,
        entries: Sequence[nn.Module],
        work: Sequence[nn.Module],
        ups: Sequence[nn.Module],
        head: nn.Module,
        side: int,
    ) -> None:
        super().__init__()
        self.entries, self.work, self.ups = nn.ModuleList(entries), nn.ModuleList(work), nn.ModuleList(ups)
        self.head, self.side = head, side
        self.last = nn.ReLU()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return predictions [N, K, S, S] of maps from fine to coarse; the finest may be more than are used."""
        used = maps[len(maps) - len(self.entries) :]
        below: Tensor | None = None
        for place in reversed(range(len(used))):
            here: Tensor = self.entries[place](used[place])
            if below is not None:
                here = here + self.ups[place](below, here)
            below = self.work[place](here)
        assert below is not None
        outputs: Tensor = self.head(self.last(below))
        return nn.functional.interpolate(outputs, (self.side, self.side), mode="bilinear", align_corners=False)


class DecoderOnTrunk(nn.Module):
    """Trunk and decoder as one network over images.

    Args:
        backbone: Of timm.
        decoder: Over its maps.
    """

    def __init__(self, backbone: nn.Module, decoder: Decoder) -> None:
        super().__init__()
        self.backbone = backbone
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        """Return predictions [N, K, S, S] of normalised images [N, 3, S, S]."""
        outputs: Tensor = self.decoder(pyramid(self.backbone, images))
        return outputs


class DecoderSpace:
    """All decoders of one width on one trunk.

    Decision ``finest`` names the finest of the trunk's maps that is used, ``level_i`` the operation on map i (fine to
    coarse; without effect where it is not used), ``up`` what enlarges a map to the next finer one.

    Args:
        backbone: The trunk's timm name.
        state: The whole backbone's state.
        image_size: Pixels a side.
        width: Channels of the decoder.
        choices: The decisions; left out, all maps and all operations.
    """

    equal_sizes = False

    def __init__(
        self, backbone: str, state: State, image_size: int, width: int, choices: tuple[Choice, ...] | None = None
    ) -> None:
        self.backbone, self.state, self.image_size, self.width = backbone, state, image_size, width
        self._trunk = self._make_trunk().requires_grad_(False).to(device())
        self._sizes = map_sizes(self._trunk, image_size)
        self.choices = choices or self._all_choices()

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return the frozen trunk's maps of images [N, 3, S, S], on the CPU, from fine to coarse."""
        return level_maps(partial(pyramid, self._trunk), images, next(self._trunk.parameters()).device)

    def build(self, architecture: Architecture, classes: int) -> Decoder:
        """Return a decoder initialised from torch's current seed; it eats a batch of ``inputs``."""
        named = decode(self, architecture)
        (decoder,) = self._decoders(
            [_level(named[FINEST])],
            lambda level: OPERATIONS[named[level]](self.width),
            lambda: self._up(named[UP]),
            classes,
        )
        return decoder

    def supernet(self, classes: int) -> Supernet:
        """Return a network of all decoders, which share what they have in common: entries, operations, ups and head.

        With several finest maps open, each adds a prediction of its own, at the price of all levels from it down.
        """
        options = {choice.name: choice.options for choice in self.choices}

        def work(level: str) -> Gated:
            return Gated(level, [OPERATIONS[option](self.width) for option in options[level]])

        def up() -> Gated:
            return Gated(UP, [self._up(option) for option in options[UP]])

        finest = [_level(option) for option in options[FINEST]]
        return Supernet(Gated(FINEST, self._decoders(finest, work, up, classes)), self.choices)

    def assemble(self, architecture: Architecture, module: nn.Module) -> DecoderOnTrunk:
        """Put a copy of a built decoder on a trunk of its own.

        Args:
            architecture: Option indices.
            module: What ``build`` made of them.

        Returns:
            A network over images, on the CPU, in evaluation mode, all weights trainable.

        Raises:
            TypeError: If ``build`` did not make the module.
        """
        if not isinstance(module, Decoder):
            raise TypeError(f"expected a network that build() made, got {type(module).__name__}")
        return DecoderOnTrunk(self._make_trunk(), deepcopy(module).cpu()).eval()

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named options."""
        return type(self)(self.backbone, self.state, self.image_size, self.width, narrow(self.choices, keep))

    def _decoders(
        self, finest: Sequence[int], work: Callable[[str], nn.Module], up: Callable[[], nn.Module], classes: int
    ) -> list[Decoder]:
        """Return a decoder from each of some finest maps down, all of the same parts."""
        start = min(finest)
        levels = range(start, len(self._sizes))
        entries = [entry(self._sizes[level], self.width) for level in levels]
        works = [work(f"level_{level}") for level in levels]
        ups = [up() for _ in levels[:-1]]
        head = nn.Conv2d(self.width, classes, 3, padding=1)
        unused = [first - start for first in finest]
        return [Decoder(entries[few:], works[few:], ups[few:], head, self.image_size) for few in unused]

    def _up(self, option: str) -> nn.Module:
        return Bilinear() if option == BILINEAR else Transposed(self.width)

    def _all_choices(self) -> tuple[Choice, ...]:
        names = [f"level{level}" for level in range(len(self._sizes))]
        work = [Choice(f"level_{level}", tuple(OPERATIONS)) for level in range(len(self._sizes))]
        return (Choice(FINEST, tuple(names)), Choice(UP, (BILINEAR, "transposed")), *work)

    def _make_trunk(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # Its random weights are overwritten; the caller's seed is kept.
            trunk = create_backbone(self.backbone, self.image_size)
        trunk.load_state_dict(self.state)
        return trunk.eval()


def _level(option: str) -> int:
    return int(option.removeprefix("level"))
