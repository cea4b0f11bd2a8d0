"""FUSE's mixture of whole candidate networks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Mixture(nn.Module):
    """Candidates whose outputs are averaged with weights softmax(alpha).

    Args:
        candidates: Networks that map the same inputs to outputs [N, K, ...].
    """

    def __init__(self, candidates: Sequence[nn.Module]) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(candidates)
        self.alpha = nn.Parameter(torch.zeros(len(candidates)))

    @property
    def shares(self) -> Tensor:
        """Return softmax(alpha), without gradient."""
        return self.alpha.detach().softmax(0)

    def logits(self, inputs: list[Tensor]) -> Tensor:
        """Return every candidate's outputs [C, N, K, ...]."""
        return torch.stack([candidate(inputs) for candidate in self.candidates])

    def mix(self, logits: Tensor) -> Tensor:
        """Return the mean [N, K, ...] of the candidates' outputs [C, N, K, ...], weighted by softmax(alpha)."""
        return torch.einsum("c,c...->...", self.alpha.softmax(0), logits)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Return the mixture's outputs [N, K, ...]."""
        return self.mix(self.logits(inputs))
