"""Single pixels of images as samples: what a dense target's features and gradients are taken of."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.likelihood import missing
from taskzoo.probe.convolutions import fast_convolutions
from taskzoo.probe.pyramid import pyramid
from taskzoo.probe.training import EVALUATION_BATCH

Places = npt.NDArray[np.int64]


def choose_places(targets: Tensor, count: int, seed: int) -> Places:
    """Draw pixels that have a target.

    Args:
        targets: [N, C, S, S], NaN where missing, or int64 [N, S, S], negative where missing; no image lacks all.
        count: Pixels an image, P; with replacement.
        seed: Of the draw.

    Returns:
        Flat indices, [N, P].
    """
    rng = np.random.default_rng(seed)
    there = ~missing(targets)
    seen = (there if there.dim() == 3 else there.all(1)).flatten(1).numpy()
    return np.stack([rng.choice(np.flatnonzero(each), count) for each in seen])


def at_places(targets: Tensor, places: Places) -> Tensor:
    """Return the targets of chosen pixels: classes int64 [N, P], or numbers [N, P, C]."""
    flat = targets.flatten(-2)
    index = torch.from_numpy(places)
    if targets.dim() == 3:
        return flat.gather(1, index)
    return flat.gather(2, index[:, None].expand(-1, flat.shape[1], -1)).transpose(1, 2)


def columns_at(maps: list[Tensor], points: Tensor) -> Tensor:
    """Return what a dense probe's head sees of points, without enlarging the maps.

    Args:
        maps: [N, D_l, h_l, w_l] a level.
        points: x and y in [-1, 1] of the image's borders, [N, P, 2].

    Returns:
        [N, P, D].
    """
    found = [
        functional.grid_sample(each, points[:, :, None], "bilinear", "border", align_corners=False) for each in maps
    ]
    return torch.cat(found, 1)[..., 0].transpose(1, 2)


def points_of(places: Places, side: int) -> Tensor:
    """Return the centres of pixels, float32 [N, P, 2]: x and y in [-1, 1]."""
    rows, columns = np.divmod(places, side)
    return torch.from_numpy((np.stack([columns, rows], -1) * 2 + 1) / side - 1).float()


@torch.no_grad()
def pixel_features(backbone: nn.Module, images: Tensor, places: Places) -> Tensor:
    """Return what a dense probe's head sees of chosen pixels, on the CPU.

    Args:
        backbone: Of timm; put in evaluation mode.
        images: [N, 3, S, S].
        places: Flat indices, [N, P].

    Returns:
        float32 [N, P, D].
    """
    where = next(backbone.parameters()).device
    points = points_of(places, images.shape[-1])
    parts = zip(*(torch.split(each, EVALUATION_BATCH) for each in (images, points)), strict=True)
    backbone.eval()
    with fast_convolutions(backbone):
        return torch.cat(
            [columns_at(pyramid(backbone, some.to(where)), at.to(where, some.dtype)).cpu() for some, at in parts]
        )


class AtPixel(nn.Module):
    """A backbone seen at one pixel an image; the pixel travels with the image, so that each sample stands by itself.

    Args:
        backbone: Of timm.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, marked: Tensor) -> Tensor:
        """Return what a dense probe's head sees, [N, D], of images as ``mark`` gives them."""
        points = marked[:, 3, 0, :2].detach()
        return columns_at(pyramid(self.backbone, marked[:, :3]), points[:, None])[:, 0]


def mark(images: Tensor, places: Places) -> Tensor:
    """Return images [N, 4, S, S] whose last channel says which pixel is meant.

    Args:
        images: [N, 3, S, S].
        places: Flat indices, [N].
    """
    extra = torch.zeros_like(images[:, :1])
    extra[:, 0, 0, :2] = points_of(places, images.shape[-1])
    return torch.cat([images, extra], 1)
