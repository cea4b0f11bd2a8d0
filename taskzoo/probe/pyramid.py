"""A head for every pixel: what the backbone knows at every scale, read linearly."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.params import ProbeParams
from taskzoo.probe.network import CHANNELS, State, create_backbone

LEVELS = 5  # Of the backbone's maps at most, the last ones: a vision transformer gives one a block.


def pyramid(backbone: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the backbone's maps, from fine to coarse.

    Args:
        backbone: Of timm.
        images: [N, 3, S, S].

    Returns:
        [N, D_l, h_l, w_l] a level.

    Raises:
        InputError: If the backbone has no maps.
    """
    network: Any = backbone
    if not hasattr(network, "forward_intermediates"):
        raise InputError(
            f"{type(backbone).__name__} gives no maps (timm's forward_intermediates), which a dense target needs; "
            "expected a network that does, such as a resnet, efficientnet, convnext or vit; choose another backbone."
        )
    maps: list[Tensor] = network.forward_intermediates(images, intermediates_only=True)
    return maps[-LEVELS:]


@torch.no_grad()
def map_sizes(backbone: nn.Module, image_size: int) -> list[int]:
    """Return the channels D_l of the backbone's maps."""
    training = backbone.training
    backbone.eval()
    where = next(backbone.parameters()).device
    maps = pyramid(backbone, torch.zeros(1, CHANNELS, image_size, image_size, device=where))
    backbone.train(training)
    return [each.shape[1] for each in maps]


def resized(values: Tensor, like: Tensor) -> Tensor:
    """Return maps [N, C, h, w] at the height and width of images, by bilinear interpolation."""
    return functional.interpolate(values, size=like.shape[-2:], mode="bilinear", align_corners=False)


class DenseProbe(nn.Module):
    """Backbone and a linear head on all of its maps, brought to the image's size.

    Interpolation and a linear map commute, so each map is reduced to the outputs before it is enlarged.

    Args:
        backbone: Of timm.
        sizes: Channels D_l of its maps.
        outputs: Channels K of the prediction.
    """

    def __init__(self, backbone: nn.Module, sizes: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.sizes = tuple(sizes)
        self.head = nn.ModuleList(nn.Conv2d(size, outputs, 1, bias=not level) for level, size in enumerate(sizes))

    def forward(self, images: Tensor) -> Tensor:
        """Return predictions [N, K, S, S] for normalised images [N, 3, S, S]."""
        maps = pyramid(self.backbone, images)
        parts = [resized(layer(each), images) for layer, each in zip(self.head, maps, strict=True)]
        return torch.stack(parts).sum(0)

    def columns(self, images: Tensor) -> Tensor:
        """Return what every pixel's prediction is linear in, [N, D, S, S], D the sum of all D_l."""
        return torch.cat([resized(each, images) for each in pyramid(self.backbone, images)], dim=1)

    @torch.no_grad()
    def set_head(self, weight: Tensor, bias: Tensor) -> None:
        """Give the head weights [K, D] over the columns, and biases [K]."""
        for layer, part in zip(self.head, torch.split(weight, list(self.sizes), 1), strict=True):
            assert isinstance(layer, nn.Conv2d)
            layer.weight.copy_(part[:, :, None, None])
            if layer.bias is not None:
                layer.bias.copy_(bias)


def build_dense_probe(params: ProbeParams, outputs: int, state: State) -> DenseProbe:
    """Make a dense probe whose backbone holds ``state`` and whose head is zero.

    Args:
        params: Backbone and image size.
        outputs: Channels of the prediction.
        state: Backbone weights and buffers.

    Returns:
        The probe, on the CPU, in training mode.
    """
    backbone = create_backbone(params.backbone, params.image_size)
    backbone.load_state_dict(state)
    sizes = map_sizes(backbone, params.image_size)
    probe = DenseProbe(backbone, sizes, outputs)
    probe.set_head(torch.zeros(outputs, sum(sizes)), torch.zeros(outputs))
    return probe
