"""Linear layers."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.fisher.gradients import Gradients, Rows
from taskzoo.fisher.layers.layer import Layer, given, per_sample
from taskzoo.fisher.products import POINT, Products


class Linear(Layer):
    """``functional.linear``."""

    def __init__(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
        self.inputs = input
        self.tensors = given(weight=weight, bias=bias)
        self.weight, self.bias = weight.detach(), None if bias is None else bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """Return x W^T + b."""
        return functional.linear(x, self.weight, self.bias)

    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Return g W, and for each sample g^T x and the sum of g over positions."""
        inputs, outputs = (value.reshape(self.samples, -1, value.shape[-1]).mT for value in (x, g))
        gradients: dict[str, Gradients] = {"weight": Products(inputs, outputs, self.samples, POINT, self.weight.shape)}
        if self.bias is not None:
            gradients["bias"] = Rows(per_sample(g, self.samples))
        return torch.matmul(g, self.weight) if wanted else None, gradients
