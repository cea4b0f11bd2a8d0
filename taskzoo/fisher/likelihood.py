"""What the network's outputs say of a sample's target: the likelihood whose gradients the Fisher squares."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Likelihood(Protocol):
    """A distribution of targets given a network's outputs."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(target | output) of each sample, [N]."""

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw ``count`` targets a sample, sample after sample: [N] each; ``generator`` is on the CPU."""

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Return all targets there can be, [N] each, with their probabilities [N]."""


class Categorical:
    """Classes; outputs are logits [N, K], targets int64 [N]."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of each sample."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw labels by inversion: so many numbers a sample, so that the draw does not depend on the batches."""
        steps = outputs.double().softmax(1).cumsum(1)
        uniform = torch.rand(len(outputs), count, dtype=torch.float64, generator=generator).to(outputs.device)
        return [(steps < each[:, None] * steps[:, -1:]).sum(1) for each in uniform.unbind(1)]

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Return every class with its probability."""
        probabilities = outputs.softmax(1)
        classes = range(outputs.shape[1])
        return [
            (torch.full_like(probabilities[:, 0], each, dtype=torch.int64), probabilities[:, each]) for each in classes
        ]
