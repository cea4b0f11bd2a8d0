"""MONAS (Hsu et al., 2018): a recurrent policy that emits one option after the other, taught by REINFORCE.

The paper's update has no baseline, and moves little where most rewards are alike: a running mean of the rewards is
taken off here. And what was tried is drawn again only where the policy emits hardly anything else.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.search.space import Architecture, SearchSpace
from taskzoo.search.strategies.asking import Told

HIDDEN = 24
RATE = 0.01  # At 0.03 the policy settles on the first good ones.
KEPT = 0.9  # Of the baseline, at every reward.
REDRAWN = 20  # How often at most, in search of something new.


class Policy(nn.Module):
    """An LSTM whose input is the option chosen before, one-hot, zeros at first.

    Args:
        options: Number of options by decision.
    """

    def __init__(self, options: Sequence[int]) -> None:
        super().__init__()
        self.options = tuple(options)
        self.cell = nn.LSTMCell(max(self.options), HIDDEN)
        self.heads = nn.ModuleList(nn.Linear(HIDDEN, count) for count in self.options)

    def log_probability(self, architecture: Architecture) -> Tensor:
        """Return the log of the probability that an architecture is emitted, a scalar."""
        before, state, total = torch.zeros(1, self.cell.input_size), None, torch.zeros(())
        for head, chosen in zip(self.heads, architecture, strict=True):
            state = self.cell(before, state)
            total = total + head(state[0])[0].log_softmax(0)[chosen]
            before = self._one_hot(chosen)
        return total

    @torch.no_grad()
    def draw(self, rng: np.random.Generator) -> Architecture:
        """Return an architecture as likely as the policy makes it."""
        before, state = torch.zeros(1, self.cell.input_size), None
        drawn: list[int] = []
        for head in self.heads:
            state = self.cell(before, state)
            shares = head(state[0])[0].double().softmax(0).numpy()
            drawn.append(int(rng.choice(len(shares), p=shares / shares.sum())))
            before = self._one_hot(drawn[-1])
        return tuple(drawn)

    def _one_hot(self, chosen: int) -> Tensor:
        return functional.one_hot(torch.tensor([chosen]), self.cell.input_size).float()


class PolicyGradient:
    """Proposes what the policy draws after a step for every reward told."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._told = 0
        self._baseline = 0.0

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return the next architecture; seldom one that was told before."""
        if self._policy is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(rng.integers(2**31)))
                self._policy = Policy([len(choice.options) for choice in space.choices])
            self._optimiser = torch.optim.Adam(self._policy.parameters(), lr=RATE)
        for architecture, reward in told[self._told :]:
            self._learn(self._policy, architecture, reward)
        seen = {architecture for architecture, _ in told}
        drawn = (self._policy.draw(rng) for _ in range(REDRAWN))
        return next((each for each in drawn if each not in seen), None) or self._policy.draw(rng)

    def _learn(self, policy: Policy, architecture: Architecture, reward: float) -> None:
        """Make an architecture likelier, or unlikelier, by how much better than usual its reward is."""
        self._baseline = KEPT * self._baseline + (1 - KEPT) * reward if self._told else reward
        self._told += 1
        loss = -(reward - self._baseline) * policy.log_probability(architecture)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
