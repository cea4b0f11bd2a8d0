"""Regularised evolution (Real et al., 2019): the oldest of a population dies, whatever it was worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.search.space import Architecture, SearchSpace, mutate, sample
from taskzoo.search.strategies.asking import Told


@dataclass(frozen=True)
class AgingEvolution:
    """Proposes a mutation of the best of some of the youngest.

    Args:
        population: How many of the last told are alive; as many are drawn at random first.
        tournament: How many of the living compete to be the parent.
        first: What is proposed in place of random architectures in the beginning, in this order.
    """

    population: int = 10
    tournament: int = 5
    first: Sequence[Architecture] = ()

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return the next architecture; it may be one that was told before."""
        if len(told) < len(self.first):
            return self.first[len(told)]
        if len(told) < self.population:
            return sample(space, rng)
        living = told[-self.population :]
        drawn = rng.choice(len(living), size=min(self.tournament, len(living)), replace=False)
        parent = max((living[index] for index in drawn), key=lambda each: each[1])
        return mutate(space, parent[0], rng)
