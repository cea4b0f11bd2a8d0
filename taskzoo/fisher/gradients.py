"""Per-sample gradients of one tensor, held in the form from which their squares come cheapest."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


def at_least_single(values: Tensor) -> Tensor:
    """Return half-precision values in float32, whose squares they would lose; others as they are."""
    return values.float() if values.dtype.itemsize < 4 else values


class Gradients(Protocol):
    """Gradients of a tensor, one a sample."""

    def squares(self) -> Tensor:
        """Return the squares summed over samples, in the tensor's shape."""

    def rows(self, part: slice) -> Tensor:
        """Return the gradients of some samples, [n, *shape]."""

    def gram(self) -> Tensor:
        """Return the inner products of the samples' gradients, [N, N]."""


@dataclass(frozen=True)
class Rows:
    """Small gradients, all in memory.

    Attributes:
        values: [N, *shape].
    """

    values: Tensor

    def squares(self) -> Tensor:
        """Return the squares summed over samples."""
        return self.values[0].square() if len(self.values) == 1 else self.values.square().sum(0)

    def rows(self, part: slice) -> Tensor:
        """Return the gradients of some samples."""
        return self.values[part]

    def gram(self) -> Tensor:
        """Return the inner products of the samples' gradients."""
        flat = self.values.flatten(1) if self.values.dim() > 1 else self.values[:, None]
        return flat @ flat.T


@dataclass(frozen=True)
class OwnRows:
    """Gradients of a tensor that holds rows for each sample, of which only the sample's own are not zero.

    Attributes:
        values: [N, k, ...]: of each sample's k rows. The tensor is [N k, ...].
    """

    values: Tensor

    def squares(self) -> Tensor:
        """Return the squares summed over samples."""
        return self.values.flatten(0, 1).square()

    def rows(self, part: slice) -> Tensor:
        """Return the gradients of some samples."""
        count = len(self.values[part])
        out = self.values.new_zeros(count, *self.values.shape)
        for row, sample in enumerate(range(part.start, part.start + count)):
            out[row, sample] = self.values[sample]
        return out.flatten(1, 2)

    def gram(self) -> Tensor:
        """Return the inner products: samples have no row in common."""
        return self.values.flatten(1).square().sum(1).diag()
