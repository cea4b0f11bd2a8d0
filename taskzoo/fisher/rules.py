"""Closed forms of per-sample gradients for linear, convolution and normalisation layers.

A layer's per-sample weight gradient follows from its input x and the gradient g of its output, which one
ordinary forward and backward pass over a batch gives; no per-sample weights or graphs are needed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SCRATCH = 1 << 20  # Elements of per-sample weight gradients in memory at once: larger ones leave the cache.

Squares = tuple[Tensor, Tensor]  # Of weight and of bias: summed over samples.


class NoRuleError(RuntimeError):
    """A wanted parameter is used in a way that has no closed form here."""


@dataclass(frozen=True)
class Layer:
    """One call of a layer with parameters.

    Args:
        inputs: x [N, ...].
        weight: The parameter, or None.
        bias: The parameter, or None.
        squares: Maps the output's gradient to the summed squares.
    """

    inputs: Tensor
    weight: Tensor | None
    bias: Tensor | None
    squares: Callable[[Tensor], Squares]


def _sum_squared_products(g: Tensor, x: Tensor) -> Tensor:
    """Return the sum over n of the squares of ``g[n] @ x[n].T``; g is [N, ..., O, T], x [N, ..., I, T]."""
    if g.shape[-1] == 1:
        return (g.square() @ x.square().mT).sum(0) if g.dim() > 3 else g[..., 0].square().T @ x[..., 0].square()
    step = max(1, SCRATCH // (g[0, ..., 0].numel() * x.shape[-2]))
    parts = ((a @ b.mT).square().sum(0) for a, b in zip(torch.split(g, step), torch.split(x, step), strict=True))
    return sum(parts, torch.zeros((), dtype=g.dtype, device=g.device))


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Layer:
    def squares(g: Tensor) -> Squares:
        rows = g.flatten(1, -2).mT if g.dim() > 2 else g[..., None]
        columns = input.flatten(1, -2).mT if input.dim() > 2 else input[..., None]
        return _sum_squared_products(rows, columns), rows.sum(2).square().sum(0)

    return Layer(input, weight, bias, squares)


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Layer:
    if isinstance(padding, str):
        raise NoRuleError("padding given by name")
    stride, padding, dilation = (_pair(value) for value in (stride, padding, dilation))

    def squares(g: Tensor) -> Squares:
        columns = _columns(input, weight.shape[2:], stride, padding, dilation)
        rows = g.flatten(2)
        total = rows.sum(2).square().sum(0)
        if groups > 1:
            columns, rows = (torch.unflatten(value, 1, (groups, -1)) for value in (columns, rows))
        return _sum_squared_products(rows, columns).reshape(weight.shape), total

    return Layer(input, weight, bias, squares)


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _columns(input: Tensor, kernel: Sequence[int], stride: Any, padding: Any, dilation: Any) -> Tensor:
    """Return what each of a convolution's T output positions sees, as [N, C * kernel, T]."""
    if tuple(kernel) == (1, 1) and tuple(padding) == (0, 0):
        return input[..., :: stride[0], :: stride[1]].flatten(2)
    return functional.unfold(input, tuple(kernel), dilation=dilation, padding=padding, stride=stride)


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Layer:
    if training or running_mean is None or running_var is None:
        raise NoRuleError("batch statistics mix samples")

    def squares(g: Tensor) -> Squares:
        shape = (-1, *[1] * (input.dim() - 2))
        centred = (input - running_mean.view(shape)).mul_(g)
        gradient = _over(centred, range(2, g.dim())) * (running_var + eps).rsqrt()
        return gradient.square().sum(0), _over(g, range(2, g.dim())).square().sum(0)

    return Layer(input, weight, bias, squares)


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Layer:
    def squares(g: Tensor) -> Squares:
        normalised = functional.layer_norm(input, list(normalized_shape), eps=eps)
        dims = range(1, input.dim() - len(normalized_shape))
        return _over(normalised * g, dims).square().sum(0), _over(g, dims).square().sum(0)

    return Layer(input, weight, bias, squares)


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Layer:
    def squares(g: Tensor) -> Squares:
        normalised = functional.group_norm(input, num_groups, eps=eps)
        dims = range(2, input.dim())
        return _over(normalised * g, dims).square().sum(0), _over(g, dims).square().sum(0)

    return Layer(input, weight, bias, squares)


def _over(value: Tensor, dims: Iterable[int]) -> Tensor:
    """Return the sum over the given dimensions; over none where none is given, unlike torch."""
    wanted = list(dims)
    return value.sum(wanted) if wanted else value


RULES: dict[Any, Callable[..., Layer]] = {
    functional.linear: _linear,
    torch.conv2d: _conv2d,
    functional.batch_norm: _batch_norm,
    functional.layer_norm: _layer_norm,
    functional.group_norm: _group_norm,
}
