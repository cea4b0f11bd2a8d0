"""A space of convolutional networks built stage by stage, by timm's bring-your-own-blocks network (byobnet)."""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Self

from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg

from taskzoo.probe.network import CHANNELS
from taskzoo.search.space import Architecture, Choice, ImageSpace, OnImages, decode, narrow

DEPTHS = (1, 2, 3)
WIDENINGS = (1, 2, 4)  # Powers of two, so that all group sizes divide all widths.
GROUP_SIZES = {"1": 1, "4": 4, "all": 0}  # Channels a group; timm's 0 is one group.
KERNELS = (3, 5)
# Channels inside a block as a share of its width. Left out are timm's rep and one, whose branches are meant to be
# merged after training, and self_attn, which is made for one image size.
RATIOS = {"basic": 1.0, "bottle": 0.5, "dark": 0.5, "edge": 1.0}

SMALLEST_SIDE = 3  # Of the last maps.
MOST_HALVINGS = 5  # timm dilates beyond a stride of 32.


class StageSpace(ImageSpace):
    """Networks of a few stages of equal blocks, from random weights, with rectified units.

    Decisions of stage k: ``stagek.depth`` (blocks), ``stagek.width`` (channels; the options double from stage to
    stage), ``stagek.group_size`` (channels a group of the block's grouped convolution; 1 is depthwise),
    ``stagek.kernel`` (pixels a side) and ``stagek.block`` (timm's name).

    Args:
        image_size: Pixels a side; says where maps are halved.
        count: Stages, two at least.
        width: Channels of the stem, and the narrowest option of the first stage; a multiple of 16.
        choices: The decisions; left out, all of them.
    """

    def __init__(
        self, image_size: int, count: int = 3, width: int = 16, choices: tuple[Choice, ...] | None = None
    ) -> None:
        self.image_size, self.count, self.width = image_size, count, width
        self.choices = choices or tuple(
            choice for stage in range(1, count + 1) for choice in _choices(stage, width << (stage - 1))
        )

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        """Return the network, initialised from torch's current seed."""
        named = decode(self, architecture)
        pooled, strides = halvings(self.image_size, self.count)
        stages, before = [], self.width
        for stage, stride in enumerate(strides, start=1):
            chosen = {key: named[f"stage{stage}.{key}"] for key in ("depth", "width", "group_size", "kernel", "block")}
            stages.append(_blocks(chosen, stride, before))
            before = int(chosen["width"])
        plan = ByoModelCfg(blocks=tuple(stages), stem_chs=self.width, stem_pool="maxpool" if pooled else None)
        # Zeros at the end of a branch would make all units after it repeat its input: NASWOT could not tell networks.
        return OnImages(ByobNet(plan, num_classes=classes, in_chans=CHANNELS, zero_init_last=False))

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named options."""
        return type(self)(self.image_size, self.count, self.width, narrow(self.choices, keep))


def halvings(image_size: int, count: int) -> tuple[bool, list[int]]:
    """Spread halvings of the map over a network, as many as leave ``SMALLEST_SIDE`` pixels a side.

    The stem halves once, the last stages once each, and a pooling after the stem where halvings are left.

    Args:
        image_size: Pixels a side, at least 8.
        count: Stages, two at least.

    Returns:
        Whether the stem pools, and the stride of each stage, 1 or 2.
    """
    left = min((image_size // SMALLEST_SIDE).bit_length() - 1, MOST_HALVINGS) - 1
    pooled = left > count
    return pooled, [2 if stage >= count - (left - pooled) else 1 for stage in range(count)]


def _choices(stage: int, width: int) -> tuple[Choice, ...]:
    """Return the decisions of one stage, whose narrowest width is given."""
    return (
        Choice(f"stage{stage}.depth", tuple(str(depth) for depth in DEPTHS)),
        Choice(f"stage{stage}.width", tuple(str(width * widening) for widening in WIDENINGS)),
        Choice(f"stage{stage}.group_size", tuple(GROUP_SIZES)),
        Choice(f"stage{stage}.kernel", tuple(str(kernel) for kernel in KERNELS)),
        Choice(f"stage{stage}.block", tuple(RATIOS)),
    )


def _blocks(chosen: Mapping[str, str], stride: int, before: int) -> tuple[ByoBlockCfg, ...]:
    """Return a stage's first block and its others.

    Args:
        chosen: Option by kind of decision.
        stride: Of the first block.
        before: Channels that come in.
    """
    block, width, group_size = chosen["block"], int(chosen["width"]), GROUP_SIZES[chosen["group_size"]]
    first = group_size
    if block == "edge" and group_size:
        # Its grouped convolution comes first and meets the channels of the stage before.
        inside = int(width * RATIOS[block])
        first = inside // gcd(inside // group_size, before)
    shared = {
        "type": block,
        "c": width,
        "s": stride,
        "br": RATIOS[block],
        "block_kwargs": {"kernel_size": int(chosen["kernel"])},
    }
    return ByoBlockCfg(d=1, gs=first, **shared), ByoBlockCfg(d=int(chosen["depth"]) - 1, gs=group_size, **shared)
