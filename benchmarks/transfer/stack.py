"""Many networks that learn at once: one alone leaves a GPU idle most of the time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional
from torch.nn.grad import conv2d_input
from torch.overrides import TorchFunctionMode

from taskzoo.probe.network import Probe
from taskzoo.probe.training import EVALUATION_BATCH, Recipe, batches, set_training


class Stack:
    """Networks of one form, their weights side by side.

    Args:
        form: Computes with the weights of each; its own are not used.
        states: Weights and buffers of S networks, on the device of the form.
    """

    def __init__(self, form: Probe, states: Sequence[Mapping[str, Tensor]]) -> None:
        self._form = form
        self._weights = {name: _side_by_side(states, name) for name, _ in form.named_parameters()}
        self._buffers = {name: _side_by_side(states, name) for name, _ in form.named_buffers()}

    def fit(self, images: Tensor, labels: Tensor, sets: Tensor, recipe: Recipe, seeds: Sequence[int]) -> None:
        """Train all of them, each as ``taskzoo.probe.training.fit`` would.

        Args:
            images: Sets of equally many, float32 [G, N, 3, H, W].
            labels: Theirs, int64 [G, N].
            sets: Which set each network learns from, int64 [S].
            recipe: Optimiser settings.
            seeds: Of each set's batch order, G.
        """
        where = next(self._form.parameters()).device
        images, labels, own = images.to(where), labels.to(where), sets.to(where)[:, None]
        set_training(self._form, recipe.frozen_batch_norm)
        free = {name for name, weight in self._form.named_parameters() if weight.requires_grad}
        weights = [value.requires_grad_() for name, value in self._weights.items() if name in free]
        optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps + 1)
        orders = [batches(labels.shape[1], recipe.batch_size, recipe.steps, seed) for seed in seeds]
        for parts in zip(*orders, strict=True):
            index = torch.stack(parts)[sets].to(where)
            logits, wanted = self._logits(images[own, index], 0), labels[own, index]
            loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")
            optimiser.zero_grad()
            (loss / index.shape[1]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        for weight in weights:
            weight.requires_grad_(False)

    @torch.no_grad()
    def accuracies(self, images: Tensor, labels: Tensor) -> list[float]:
        """Return, by network, the share of images in [0, 1] whose largest logit is at their label."""
        where = next(self._form.parameters()).device
        self._form.eval()
        parts = torch.split(images, EVALUATION_BATCH)
        found = torch.cat([self._logits(part.to(where), None).argmax(2).cpu() for part in parts], 1)
        right: list[float] = (found == labels).float().mean(1).tolist()
        return right

    def _logits(self, images: Tensor, axis: int | None) -> Tensor:
        """Return the logits of all networks [S, N, K]; along the axis, if any, are each network's own images."""

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor) -> Tensor:
            logits: Tensor = functional_call(self._form, (weights, buffers), (images,))
            return logits

        with _Rewritten():
            out: Tensor = torch.vmap(one, in_dims=(0, 0, axis))(self._weights, self._buffers, images)
        return out


def _side_by_side(states: Sequence[Mapping[str, Tensor]], name: str) -> Tensor:
    return torch.stack([state[name].detach() for state in states])


class _Rewritten(TorchFunctionMode):
    """Computes what is slow for many networks side by side on a GPU in other ways."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return RULES.get(function, function)(*args, **(kwargs or {}))


def _conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Compute pointwise convolutions as matrix products, and the weights' gradient of depthwise ones as products."""
    plain = stride in {1, (1, 1)} and padding in {0, (0, 0)} and groups == 1
    if plain and weight.shape[2:] == (1, 1):
        out = torch.einsum("oc,nchw->nohw", weight[:, :, 0, 0], images)
    elif groups == images.shape[1] == weight.shape[0] > 1 and dilation in {1, (1, 1)}:
        out = _Depthwise.apply(images, weight, stride, padding)
    else:
        out = functional.conv2d(images, weight, None, stride, padding, dilation, groups)
    return out if bias is None else out + bias[:, None, None]


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution whose weights' gradient is a convolution too: the maps, by the gradients as filters."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
        return functional.conv2d(images, weight, None, stride, padding, groups=weight.shape[0])

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        images, weight, context.stride, context.padding = inputs
        context.save_for_backward(images, weight)

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        images, weight = context.saved_tensors
        stride, padding, channels = context.stride, context.padding, weight.shape[0]
        before = conv2d_input(  # type: ignore[no-untyped-call]
            images.shape, weight, grad, stride, padding, groups=channels
        )
        maps, filters = images.flatten(0, 1)[None], grad.flatten(0, 1)[:, None]
        taps = functional.conv2d(maps, filters, None, 1, padding, stride, groups=len(filters))
        high, wide = weight.shape[2:]
        return before, taps[0, :, :high, :wide].reshape(-1, channels, high, wide).sum(0)[:, None], None, None


def _batch_norm(
    images: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Compute batch normalisation with known statistics as a scale and a shift."""
    if training or mean is None or variance is None or weight is None or bias is None:
        return functional.batch_norm(images, mean, variance, weight, bias, training, momentum, eps)
    scale = weight * (variance + eps).rsqrt()
    return images * scale[:, None, None] + (bias - mean * scale)[:, None, None]


RULES: dict[Callable[..., Any], Callable[..., Any]] = {functional.conv2d: _conv2d, functional.batch_norm: _batch_norm}
