"""Normalisation with a learned scale and shift."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.fisher.gradients import Gradients, Rows
from taskzoo.fisher.layers.layer import Layer, NoRuleError, given, per_sample

Run = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]


class Normalisation(Layer):
    """A normalisation within each sample, then scale and shift; what it normalised is computed again, not kept.

    Args:
        inputs: x.
        weight: Scale.
        bias: Shift.
        axes: Axes of x that scale and shift have, from the end.
        run: The function of x, scale and shift.
    """

    def __init__(
        self, inputs: Tensor, weight: Tensor | None, bias: Tensor | None, axes: Sequence[int], run: Run
    ) -> None:
        self.inputs, self.tensors, self.run = inputs, given(weight=weight, bias=bias), run
        self.weight, self.bias = (None if each is None else each.detach() for each in (weight, bias))
        self.summed = [axis for axis in range(1, inputs.dim()) if axis - inputs.dim() not in axes]
        self.broadcast = [inputs.shape[axis] if axis in axes else 1 for axis in range(min(axes), 0)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled and shifted normalised x."""
        return self.run(x, self.weight, self.bias)

    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Return the gradient through the normalisation, and for each sample the sums over positions."""
        with torch.enable_grad():
            leaf = x.detach().requires_grad_(wanted)
            normalised = self.run(leaf, None, None)
        gradients: dict[str, Gradients] = {
            "weight": Rows(self._over_positions(normalised.detach() * g)),
            "bias": Rows(self._over_positions(g)),
        }
        if not wanted:
            return None, gradients
        inner = g if self.weight is None else g * self.weight.view(self.broadcast)
        return torch.autograd.grad(normalised, leaf, inner)[0], gradients

    def _over_positions(self, values: Tensor) -> Tensor:
        sums = values.sum(self.summed) if self.summed else values
        return sums.view(self.samples, -1, *sums.shape[1:]).sum(1)


def last_axes(shape: Sequence[int]) -> range:
    """Return the axes of a normalised shape, from the end."""
    return range(-len(shape), 0)


def channel_axis(x: Tensor) -> tuple[int]:
    """Return the axis of channels, from the end."""
    return (1 - x.dim(),)


class LayerNorm(Normalisation):
    """``functional.layer_norm``; its statistics are kept."""

    def __init__(
        self,
        input: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> None:
        self.shape, self.eps = list(normalized_shape), eps
        super().__init__(
            input, weight, bias, last_axes(self.shape), lambda x, w, b: functional.layer_norm(x, self.shape, w, b, eps)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled and shifted normalised x."""
        out, *self.statistics = torch.native_layer_norm(x, self.shape, self.weight, self.bias, self.eps)
        return out

    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Return the gradient through the normalisation, and for each sample the sums over positions."""
        mean, rstd = self.statistics
        gradients: dict[str, Gradients] = {
            "weight": Rows(self._over_positions(((x - mean) * rstd).mul_(g))),
            "bias": Rows(self._over_positions(g)),
        }
        found, *_ = torch.ops.aten.native_layer_norm_backward(
            g, x, self.shape, mean, rstd, self.weight, self.bias, [wanted, False, False]
        )
        return found if wanted else None, gradients


class RMSNorm(Normalisation):
    """``functional.rms_norm``."""

    def __init__(
        self, input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
    ) -> None:
        shape = list(normalized_shape)
        super().__init__(input, weight, None, last_axes(shape), lambda x, w, b: functional.rms_norm(x, shape, w, eps))


class GroupNorm(Normalisation):
    """``functional.group_norm``."""

    def __init__(
        self,
        input: Tensor,
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(
            input,
            weight,
            bias,
            channel_axis(input),
            lambda x, w, b: functional.group_norm(x, num_groups, w, b, eps),
        )


class InstanceNorm(Normalisation):
    """``functional.instance_norm``."""

    def __init__(
        self,
        input: Tensor,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        use_input_stats: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(
            input,
            weight,
            bias,
            channel_axis(input),
            lambda x, w, b: functional.instance_norm(
                x, running_mean, running_var, w, b, use_input_stats, momentum, eps
            ),
        )


class BatchNorm(Layer):
    """``functional.batch_norm`` in evaluation mode: an affine map of each channel."""

    def __init__(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> None:
        if training or running_mean is None or running_var is None:
            raise NoRuleError("batch statistics mix samples")
        self.inputs, self.tensors = input, given(weight=weight, bias=bias)
        self.weight, self.bias = (None if each is None else each.detach() for each in (weight, bias))
        self.mean, self.variance, self.eps = running_mean, running_var, eps

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x."""
        return functional.batch_norm(x, self.mean, self.variance, self.weight, self.bias, False, 0.0, self.eps)

    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Take the batch for channels: one call gives the gradient of x and every sample's sums over positions."""
        count, (channels, *places) = len(x), x.shape[1:]
        folded = (1, count * channels, *(places or [1]))
        weight, mean, variance, deviation = (
            None if each is None else each.expand(count, channels).reshape(-1)
            for each in (self.weight, self.mean, self.variance, (self.variance + self.eps).rsqrt())
        )
        found, *sums = torch.ops.aten.native_batch_norm_backward(
            g.reshape(folded).contiguous(),  # Torch errs for one sample whose gradient is transposed.
            x.reshape(folded).contiguous(),
            weight,
            mean,
            variance,
            mean,  # As saved by a forward pass: CUDA insists on them, and in evaluation they are the same.
            deviation,
            False,
            self.eps,
            [wanted, True, True],
        )
        rows = (per_sample(value.view(count, channels), self.samples) for value in sums)
        gradients = dict(zip(("weight", "bias"), map(Rows, rows), strict=True))
        return found.view(x.shape) if wanted else None, gradients
