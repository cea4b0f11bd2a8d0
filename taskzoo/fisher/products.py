"""Per-sample weight gradients of linear layers and convolutions: one matrix product a sample, squared and summed.

Sample n's gradient is g[n] @ columns[n], [O, T] times [T, K I]: T output positions, I inputs, O outputs and K
places of the kernel. Kept are the layer's input and its output's gradient only; columns are made a few samples
at a time.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.fisher import kernel

SCRATCH = {"cpu": 1 << 19, "cuda": 1 << 26}  # Elements in memory at once: on the CPU, what fits its caches.
GRAM_SCRATCH = 1 << 24  # Elements of gradients in memory at once.
LARGE = 1 << 16  # Weights above are squared sample by sample on the CPU: batched products would leave the cache.


@dataclass(frozen=True)
class Geometry:
    """How a convolution moves over its input; a linear layer has one place, met at every position.

    Attributes:
        kernel: Places, one number a spatial axis.
        stride: Likewise.
        padding: Likewise.
        dilation: Likewise.
        groups: Of channels.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1


POINT = Geometry((1,), (1,), (0,), (1,))


@dataclass(frozen=True)
class Products:
    """Gradients of a weight [O, I / groups, *kernel].

    Attributes:
        x: The layer's input [L, I, *S], L a multiple of the samples, sample by sample.
        g: The gradient of its output, [L, O, *S'].
        samples: N.
        geometry: Of the layer.
        shape: Of the weight.
    """

    x: Tensor
    g: Tensor
    samples: int
    geometry: Geometry
    shape: torch.Size

    def squares(self) -> Tensor:
        """Return the squares summed over samples."""
        one_place = self.geometry.groups == math.prod(self.geometry.kernel) == self.x[0, 0].numel() == 1
        if one_place and self._positions() == 1:
            sums = self.g.flatten(1).square().T @ self.x.flatten(1).square()
        elif self._positions() > 1 and kernel.suits(self.x, self.geometry.kernel):
            sums = kernel.squares(self.x, self.g, self.geometry, self.samples)
        else:
            sums = self._squares()
        return self._shaped(sums)

    def rows(self, part: slice) -> Tensor:
        """Return the gradients of some samples, [n, *shape]."""
        g, columns = self._factors(part)
        # The columns are brought in order, not the product: they are small.
        columns = columns.reshape(*columns.shape[:3], -1, self.shape[1]).mT.flatten(3)
        products: Tensor = g @ columns
        return products.view(-1, *self.shape)

    def gram(self) -> Tensor:
        """Return the inner products of the gradients, [N, N], by the cheaper of two ways.

        With few positions the products of inputs and of output gradients, position by position, are multiplied; else
        the gradients are made, a few outputs at a time.
        """
        positions, weights, groups = self._positions(), self.shape.numel(), self.geometry.groups
        pairs = (self.samples * positions) ** 2
        if pairs * (weights // self.shape[0] + self.shape[0] // groups) * groups < self.samples * weights * (
            positions + self.samples
        ):
            return self._gram_of_pairs()
        return self._gram_of_rows()

    def _gram_of_pairs(self) -> Tensor:
        g, columns = self._factors(slice(0, self.samples))
        left = columns.transpose(0, 1).flatten(1, 2)
        right = g.movedim(3, 1).movedim(2, 0).flatten(1, 2)
        products = (left @ left.mT) * (right @ right.mT)
        each = self.samples, self._positions()
        return products.view(-1, *each, *each).sum((0, 2, 4))

    def _gram_of_rows(self) -> Tensor:
        out = self.x.new_zeros(self.samples, self.samples)
        weights, outputs, groups = self.shape.numel(), self.shape[0], self.geometry.groups
        block = max(1, GRAM_SCRATCH * outputs // (self.samples * weights * groups))
        step = max(1, SCRATCH[self.x.device.type] * outputs // (self._positions() * weights * groups))
        for first in range(0, outputs // groups, block):
            parts = []
            for start in range(0, self.samples, step):
                g, columns = self._factors(slice(start, start + step))
                parts.append((g[:, :, first : first + block] @ columns).flatten(1))
            rows = torch.cat(parts)
            out.addmm_(rows, rows.T)
        return out

    def _squares(self) -> Tensor:
        """Return the sums, [groups, O / groups, K I / groups], by torch's own products."""
        positions = self._positions()
        weights, outputs = self.shape.numel(), self.shape[0]
        scratch = SCRATCH[self.x.device.type]
        alone = self.x.device.type == "cpu" and weights >= LARGE
        taken = positions * weights // outputs * self.geometry.groups + (0 if positions == 1 or alone else weights)
        step = max(1, scratch // taken)
        sums = None
        for start in range(0, self.samples, step):
            g, columns = self._factors(slice(start, start + step))
            if positions == 1:
                part = torch.einsum("ngo,ngi->goi", g[..., 0].square(), columns[..., 0, :].square())
            elif alone:
                part = _one_by_one(g, columns, sums)
                sums = None
            else:
                part = (g @ columns).square_().sum(0)
            sums = part if sums is None else sums.add_(part)
        assert sums is not None
        return sums

    def _positions(self) -> int:
        """Return T."""
        return self.g[0, 0].numel() * (len(self.g) // self.samples)

    def _shaped(self, value: Tensor) -> Tensor:
        """Show [groups, O / groups, K I / groups], channels last, in the weight's shape."""
        return value.view(self.shape[0], *self.geometry.kernel, self.shape[1]).movedim(-1, 1).view(self.shape)

    def _factors(self, part: slice) -> tuple[Tensor, Tensor]:
        """Return g [n, groups, O / groups, T] and columns [n, groups, T, K I / groups] of some samples."""
        windows, groups = len(self.x) // self.samples, self.geometry.groups
        rows = slice(part.start * windows, min(part.stop, self.samples) * windows)
        columns = self._columns(rows)
        columns = columns.reshape(len(columns) // windows, -1, math.prod(self.geometry.kernel), groups, self.shape[1])
        columns = columns.permute(0, 3, 1, 2, 4).flatten(3)
        g = self.g[rows].reshape(-1, windows, *self.g.shape[1:]).movedim(1, 2).flatten(2)
        return g.view(len(g), groups, -1, g.shape[-1]), columns

    def _columns(self, rows: slice) -> Tensor:
        """Return what each output position sees, [l, *S', *kernel, I], as a view of the padded input."""
        move, padded = self.geometry, self._padded(rows)
        axes = len(move.kernel)
        steps = padded.stride()[1 : 1 + axes]
        size = (len(padded), *self.g.shape[2:], *move.kernel, padded.shape[-1])
        strides = (
            padded.stride(0),
            *(step * stride for step, stride in zip(steps, move.stride, strict=True)),
            *(step * dilation for step, dilation in zip(steps, move.dilation, strict=True)),
            padded.stride(-1),
        )
        return padded.as_strided(size, strides, padded.storage_offset())

    def _padded(self, rows: slice) -> Tensor:
        """Return the input padded, channels last: [l, *S, I]."""
        x = self.x[rows].movedim(1, -1)
        if not any(self.geometry.padding):
            return x
        pads = [side for pad in reversed(self.geometry.padding) for side in (pad, pad)]
        return functional.pad(x, (0, 0, *pads))


def _one_by_one(g: Tensor, columns: Tensor, sums: Tensor | None) -> Tensor:
    """Add the squared products of some samples to ``sums``, through one buffer that stays in the cache."""
    buffer = torch.empty(g.shape[1], g.shape[2], columns.shape[3], dtype=g.dtype, device=g.device)
    total = torch.zeros_like(buffer) if sums is None else sums
    for one, other in zip(g, columns, strict=True):
        torch.bmm(one, other, out=buffer)
        total.addcmul_(buffer, buffer)
    return total
