"""Searching by asking for one architecture after the other: what is proposed depends on what was found, alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from taskzoo.params import StrategyName
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.problem import Evaluator
from taskzoo.search.results import Trial
from taskzoo.search.space import Architecture, SearchSpace, encode, size

Told = tuple[Architecture, float]
"""An architecture and its reward; higher is better."""


class Proposer(Protocol):
    """Proposes the next architecture; one object serves one search."""

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return the next architecture.

        Args:
            space: Where.
            told: All that is known, in the order it came; longer at every call.
            rng: For whatever is drawn.
        """


def explore(
    space: SearchSpace,
    proposer: Proposer,
    reward: Callable[[Architecture], float],
    trials: int,
    rng: np.random.Generator,
    known: Sequence[Told] = (),
) -> Iterator[Told]:
    """Ask and tell, architecture by architecture.

    Args:
        space: Where.
        proposer: A fresh one.
        reward: Of an architecture; higher is better.
        trials: How many; no more than the space has beside those known.
        rng: For whatever the proposer draws.
        known: What is told before.

    Yields:
        Each architecture with its reward.
    """
    told = list(known)
    for _ in range(min(trials, size(space) - len({architecture for architecture, _ in told}))):
        architecture = proposer.propose(space, told, rng)
        told.append((architecture, reward(architecture)))
        yield told[-1]


class AskTell:
    """A strategy that evaluates what a proposer asks for.

    Args:
        name: Of the strategy, in its trials.
        make: Makes a fresh proposer.
    """

    def __init__(self, name: StrategyName, make: Callable[[], Proposer]) -> None:
        self.name, self.make = name, make

    def __call__(
        self,
        space: SearchSpace,
        problem: Evaluator,
        trials: int,
        seed: int,
        journal: Journal = NO_JOURNAL,
        known: Sequence[Trial] = (),
    ) -> list[Trial]:
        """Search.

        Args:
            space: Where.
            problem: For which task.
            trials: Candidate trainings that may be spent; no more than the space has architectures.
            seed: Of everything drawn.
            journal: Told of every training; keeps the trials.
            known: Earlier trials of the same search, perhaps in a part of the space; they are told first.

        Returns:
            The new trials in order, numbered from 1.
        """
        done: list[Trial] = []
        told = [(encode(space, each.architecture), each.reward) for each in known]

        def train(architecture: Architecture) -> float:
            done.append(journal.measure(self.name, space, problem, architecture, seed, len(done) + 1))
            journal.tick(1)
            return done[-1].reward

        for _ in explore(space, self.make(), train, trials, np.random.default_rng([seed, len(known)]), told):
            pass
        return done
