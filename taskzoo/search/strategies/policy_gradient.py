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
REDRAWN = 20  # How many, in search of something new.


class Policy(nn.Module):
    """An LSTM whose input is the option chosen before, one-hot, zeros at first; every decision has a head of its own.

    Args:
        options: Number of options by decision.
    """

    def __init__(self, options: Sequence[int]) -> None:
        super().__init__()
        self.decisions, self.most = len(options), max(options)
        self.cells = nn.LSTM(self.most, HIDDEN)
        self.heads = nn.Linear(HIDDEN, self.decisions * self.most)
        present = torch.arange(self.most) < torch.tensor(options)[:, None]
        self.absent = torch.zeros(self.decisions, self.most).masked_fill(~present, -torch.inf)

    def log_probability(self, architecture: Architecture) -> Tensor:
        """Return the log of the probability that an architecture is emitted, a scalar."""
        places, chosen = torch.arange(self.decisions), torch.tensor(architecture)
        before = functional.one_hot(chosen, self.most).float().roll(1, 0)
        before[0] = 0
        hidden, _ = self.cells(before[:, None])
        scores = self.heads(hidden[:, 0]).view(self.decisions, self.decisions, self.most)[places, places]
        total: Tensor = (scores + self.absent).log_softmax(1)[places, chosen].sum()
        return total

    @torch.no_grad()
    def draw(self, rng: np.random.Generator, count: int) -> list[Architecture]:
        """Return architectures as likely as the policy makes them."""
        before, drawn = torch.zeros(count, self.most), list[Tensor]()
        state = torch.zeros(count, HIDDEN), torch.zeros(count, HIDDEN)
        uniform = torch.from_numpy(rng.random((self.decisions, count, 1)))
        weights, biases = self.heads.weight.chunk(self.decisions), self.heads.bias.chunk(self.decisions)
        for place in range(self.decisions):
            state = torch.lstm_cell(before, state, *self.cells.all_weights[0])
            scores = functional.linear(state[0], weights[place], biases[place]) + self.absent[place]
            reached = scores.double().softmax(1).cumsum(1)
            drawn.append((uniform[place] >= reached[:, :-1]).sum(1))
            before = functional.one_hot(drawn[-1], self.most).float()
        return [tuple(each) for each in torch.stack(drawn, 1).tolist()]


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
            self._optimiser = torch.optim.Adam(self._policy.parameters(), lr=RATE, fused=True)
        for architecture, reward in told[self._told :]:
            self._learn(self._policy, architecture, reward)
        seen = {architecture for architecture, _ in told}
        drawn = self._policy.draw(rng, REDRAWN)
        return next((each for each in drawn if each not in seen), drawn[-1])

    def _learn(self, policy: Policy, architecture: Architecture, reward: float) -> None:
        """Make an architecture likelier, or unlikelier, by how much better than usual its reward is."""
        self._baseline = KEPT * self._baseline + (1 - KEPT) * reward if self._told else reward
        self._told += 1
        loss = -(reward - self._baseline) * policy.log_probability(architecture)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
