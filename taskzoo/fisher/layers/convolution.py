"""Convolutions, transposed ones too."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from taskzoo.fisher import kernel
from taskzoo.fisher.gradients import Gradients, Rows
from taskzoo.fisher.layers.layer import Layer, NoRuleError, given
from taskzoo.fisher.products import Geometry, Products


class Convolution(Layer):
    """``conv1d``, ``conv2d``, ``conv3d`` and their transposed forms."""

    transposed = False

    def __init__(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> None:
        self._keep(input, weight, bias)
        axes = weight.dim() - 2
        places = tuple(weight.shape[2:])
        self.geometry = Geometry(
            places, _each(stride, axes), _padding(padding, places, dilation), _each(dilation, axes), groups
        )
        self.output_padding = [0] * axes

    def _keep(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        if input.dim() != weight.dim():
            raise NoRuleError("a convolution without a sample axis")
        self.inputs = input
        self.tensors = given(weight=weight, bias=bias)
        self.weight, self.bias = weight.detach(), None if bias is None else bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x."""
        move = self.geometry
        return torch.convolution(
            x,
            self.weight,
            self.bias,
            move.stride,
            move.padding,
            move.dilation,
            self.transposed,
            self.output_padding,
            move.groups,
        )

    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Return the gradients of x, and of weight and bias a sample."""
        gradients: dict[str, Gradients] = {}
        if self.bias is not None:
            gradients["bias"] = Rows(g.reshape(self.samples, -1, *g.shape[1:]).flatten(3).sum((1, 3)))
        if self.weight.shape[1] == 1 and self.geometry.groups == x.shape[1] and not self.transposed:
            found, rows = self._depthwise(x, g, wanted)
            gradients["weight"] = Rows(rows.view(self.samples, -1, *self.weight.shape).sum(1))
            return found, gradients
        factors = (g, x) if self.transposed else (x, g)
        gradients["weight"] = Products(*factors, self.samples, self.geometry, self.weight.shape)
        return self._gradients(x, g, (True, False))[0] if wanted else None, gradients

    def _depthwise(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Tensor]:
        """Return the gradients of x and of the weight, one an image."""
        if kernel.suits_depthwise(x, self.weight):
            rows = kernel.depthwise(x, g, self.geometry)
            return self._gradients(x, g, (True, False))[0] if wanted else None, rows
        found, rows = self._gradients(x, g, (wanted, True), fold=len(x))
        return found, rows

    def _gradients(self, x: Tensor, g: Tensor, wanted: tuple[bool, bool], fold: int = 1) -> list[Any]:
        """Return the gradients of x and of the weight; ``fold`` samples are taken for channels, one weight each."""
        move = self.geometry
        weight, folded, gradient = self.weight, x, g
        if fold > 1:
            weight = weight.expand(fold, *weight.shape).flatten(0, 1)
            folded, gradient = (each.reshape(len(x) // fold, -1, *each.shape[2:]) for each in (x, g))
        found = torch.ops.aten.convolution_backward(
            gradient,
            folded,
            weight,
            None,
            move.stride,
            move.padding,
            move.dilation,
            self.transposed,
            self.output_padding,
            move.groups * fold,
            [*wanted, False],
        )
        return [found[0].view(x.shape) if wanted[0] else None, found[1]]


class TransposedConvolution(Convolution):
    """``conv_transpose1d``, ``conv_transpose2d`` and ``conv_transpose3d``: x and g change places."""

    transposed = True

    def __init__(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> None:
        self._keep(input, weight, bias)
        axes = weight.dim() - 2
        places = tuple(weight.shape[2:])
        self.geometry = Geometry(places, _each(stride, axes), _each(padding, axes), _each(dilation, axes), groups)
        self.output_padding = list(_each(output_padding, axes))


def _each(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Return one number a spatial axis."""
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) if len(value) == axes else tuple(value) * axes


def _padding(value: Any, kernel: Sequence[int], dilation: Any) -> tuple[int, ...]:
    """Return the padding of each axis, both sides alike.

    Raises:
        NoRuleError: If the sides differ.
    """
    if value == "valid":
        return (0,) * len(kernel)
    if value == "same":
        total = [step * (size - 1) for step, size in zip(_each(dilation, len(kernel)), kernel, strict=True)]
        if any(each % 2 for each in total):
            raise NoRuleError("padding that differs between the sides")
        return tuple(each // 2 for each in total)
    return _each(value, len(kernel))
