"""A timm backbone as a source of feature maps, with every weight checked to be the given one."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.probe.network import CHANNELS, State, create_backbone
from taskzoo.probe.training import EVALUATION_BATCH

SMALLEST_SIDE = 2  # A cell on 1x1 maps would be a linear layer in disguise.
LARGEST_SIDE = 8  # Wider maps are averaged down to it, which bounds time and memory whatever the image size.
MOST_LEVELS = 4  # The deepest ones: a transformer has a level a block, all of one shape.


class Trunk(nn.Module):
    """Backbone up to its deepest wanted level; maps images to one feature map per wanted level.

    timm's ``forward_intermediates`` keeps the names that the whole network has; ``features_only`` renames the
    weights of some families, whose state would then load in part or not at all.

    Args:
        backbone: A timm name.
        image_size: Pixels a side.
        levels: Which of timm's intermediate outputs, ascending.
    """

    def __init__(self, backbone: str, image_size: int, levels: tuple[int, ...]) -> None:
        super().__init__()
        network = create_backbone(backbone, image_size)
        network.prune_intermediate_layers(list(levels))  # type: ignore[operator]
        self.network = network
        self.levels = levels

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return float maps [N, C, h, w] with h, w of at most ``LARGEST_SIDE``, one per level."""
        return [_at_most(each) for each in _intermediates(self.network, images, list(self.levels))]


@torch.no_grad()
def level_maps(trunk: Callable[[Tensor], list[Tensor]], images: Tensor, where: torch.device) -> list[Tensor]:
    """Return a frozen trunk's maps of images [N, 3, H, W], computed in batches on its device, on the CPU, by level."""
    parts = [trunk(part.to(where)) for part in torch.split(images, EVALUATION_BATCH)]
    return [torch.cat([each.cpu() for each in level]) for level in zip(*parts, strict=True)]


def usable_levels(backbone: str, image_size: int) -> tuple[int, ...]:
    """Find the levels a cell can stand on.

    Args:
        backbone: A timm name.
        image_size: Pixels a side.

    Returns:
        The deepest ``MOST_LEVELS`` levels whose map is at least ``SMALLEST_SIDE`` pixels a side.

    Raises:
        InputError: If the network gives no feature maps, or all of them are too small.
    """
    network = create_backbone(backbone, image_size)
    if not hasattr(network, "forward_intermediates"):
        raise InputError(
            f"the timm network {backbone!r} gives no feature maps (no forward_intermediates); expected "
            "one that does; choose another backbone, or search.space models."
        )
    network.eval()
    with torch.no_grad():
        maps = _intermediates(network, torch.zeros(1, CHANNELS, image_size, image_size), None)
    usable = [level for level, each in enumerate(maps) if min(each.shape[2:]) >= SMALLEST_SIDE]
    if not usable:
        raise InputError(
            f"every feature map of {backbone!r} on {image_size}x{image_size} images is smaller than "
            f"{SMALLEST_SIDE}x{SMALLEST_SIDE}; expected at least one such map; choose a larger image_size."
        )
    return tuple(usable[-MOST_LEVELS:])


def load_trunk(trunk: Trunk, state: State, backbone: str) -> None:
    """Fill a trunk from its whole backbone's state.

    Args:
        trunk: Filled in place; untouched on error.
        state: Of the backbone; may hold more than the trunk, whose deepest layers are cut off.
        backbone: Its timm name, for messages.

    Raises:
        InputError: If a tensor of the trunk is absent from the state or has another shape there.
    """
    wanted = trunk.network.state_dict()
    for key, tensor in wanted.items():
        found = tuple(state[key].shape) if key in state else "nothing"
        if found != tuple(tensor.shape):
            raise InputError(
                f"the state does not fill the trunk {backbone!r}: for {key} it has {found}, expected "
                f"{tuple(tensor.shape)}; give the state of this backbone."
            )
    trunk.network.load_state_dict({key: state[key] for key in wanted})


def _intermediates(network: nn.Module, images: Tensor, levels: list[int] | None) -> list[Tensor]:
    maps: list[Tensor] = network.forward_intermediates(  # type: ignore[operator]
        images, indices=levels, stop_early=True, output_fmt="NCHW", intermediates_only=True
    )
    return maps


def _at_most(maps: Tensor) -> Tensor:
    height, width = maps.shape[2:]
    if max(height, width) <= LARGEST_SIDE:
        return maps
    return functional.adaptive_avg_pool2d(maps, (min(height, LARGEST_SIDE), min(width, LARGEST_SIDE)))
