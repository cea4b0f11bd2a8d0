"""What is kept of the per-sample gradients of a batch: sums of squares, or Gram matrices."""

from typing import Protocol

import torch
from torch import Tensor

from taskzoo.fisher.gradients import Gradients, Rows


class Collector(Protocol):
    """Takes gradients as they come, of all samples or of some, the samples in order."""

    results: dict[str, Tensor]

    def take(self, name: str, gradients: Gradients) -> None:
        """Take gradients of a parameter."""


class Squares:
    """Squares summed over samples, in the parameter's shape.

    Attributes:
        results: By name.
    """

    def __init__(self) -> None:
        self.results: dict[str, Tensor] = {}

    def take(self, name: str, gradients: Gradients) -> None:
        """Add the squares of gradients."""
        known = self.results.get(name)
        if known is None:
            self.results[name] = gradients.squares()
        elif isinstance(gradients, Rows) and len(gradients.values) == 1:
            known.addcmul_(gradients.values[0], gradients.values[0])
        else:
            known.add_(gradients.squares())


class Grams:
    """Inner products of the samples' gradients, [N, N], summed over the backward passes.

    Args:
        samples: N.

    Attributes:
        results: By name.
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.results: dict[str, Tensor] = {}
        self._waiting: dict[str, list[Tensor]] = {}

    def take(self, name: str, gradients: Gradients) -> None:
        """Add the products of gradients, once those of all samples are there."""
        if isinstance(gradients, Rows) and len(gradients.values) < self.samples:
            parts = self._waiting.setdefault(name, [])
            parts.append(gradients.values)
            if sum(map(len, parts)) < self.samples:
                return
            gradients = Rows(torch.cat(self._waiting.pop(name)))
        found = gradients.gram()
        self.results[name] = self.results[name].add_(found) if name in self.results else found
