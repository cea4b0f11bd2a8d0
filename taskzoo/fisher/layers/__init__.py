"""The kinds of layers whose per-sample gradients have a closed form, by the torch function that runs them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from taskzoo.fisher.layers.convolution import Convolution, TransposedConvolution
from taskzoo.fisher.layers.layer import Layer, NoRuleError
from taskzoo.fisher.layers.linear import Linear
from taskzoo.fisher.layers.normalisation import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm

__all__ = ["LAYERS", "Layer", "NoRuleError"]

LAYERS: Mapping[Any, type[Layer]] = {
    functional.linear: Linear,
    torch.conv1d: Convolution,
    torch.conv2d: Convolution,
    torch.conv3d: Convolution,
    torch.conv_transpose1d: TransposedConvolution,
    torch.conv_transpose2d: TransposedConvolution,
    torch.conv_transpose3d: TransposedConvolution,
    functional.batch_norm: BatchNorm,
    functional.layer_norm: LayerNorm,
    functional.group_norm: GroupNorm,
    functional.rms_norm: RMSNorm,
    functional.instance_norm: InstanceNorm,
}
