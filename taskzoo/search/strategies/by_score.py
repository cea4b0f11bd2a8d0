"""Strategies led by NASWOT's score (Mellor et al., 2021), which trains nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from taskzoo.probe.network import device
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.naswot import naswot
from taskzoo.search.problem import Problem, seeded, take
from taskzoo.search.results import Trial
from taskzoo.search.space import Architecture, SearchSpace, size
from taskzoo.search.strategies.asking import AskTell, Told, explore
from taskzoo.search.strategies.evolution import AgingEvolution
from taskzoo.search.strategies.random_search import Uniform

BATCH = 128  # Images of the score, as published.
SCORED = 10  # Networks a candidate training: a score costs about a forward pass.
POPULATION = 10  # Of AREA; twice as many are scored.


def naswot_search(
    space: SearchSpace,
    problem: Problem,
    trials: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    known: Sequence[Trial] = (),
) -> list[Trial]:
    """Score random architectures and train the best of them.

    Args:
        space: Where.
        problem: For which task; the score sees its training images.
        trials: Candidate trainings that may be spent; ten times as many are scored.
        seed: Of everything drawn.
        journal: Told of trainings spent.
        known: Earlier trials of the same search; what was trained is not trained again.

    Returns:
        The trials, the best score first.
    """
    ordered = _kept(journal, partial(by_score, space, problem, SCORED * trials, seed))
    return AskTell("naswot", lambda: InOrder(ordered))(space, problem, trials, seed, journal, known)


def area_search(
    space: SearchSpace,
    problem: Problem,
    trials: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    known: Sequence[Trial] = (),
) -> list[Trial]:
    """Search by regularised evolution whose first population is the better half of some random architectures.

    Args:
        space: Where.
        problem: For which task; the score sees its training images.
        trials: Candidate trainings that may be spent.
        seed: Of everything drawn.
        journal: Told of trainings spent.
        known: Earlier trials of the same search; they are the first population then.

    Returns:
        The trials in order.
    """
    first = [] if known else _kept(journal, partial(by_score, space, problem, 2 * POPULATION, seed))[:POPULATION]
    return AskTell("area", lambda: AgingEvolution(POPULATION, first=first))(
        space, problem, trials, seed, journal, known
    )


def by_score(space: SearchSpace, problem: Problem, count: int, seed: int) -> list[Architecture]:
    """Return random architectures, the best score first.

    The score is normalised where the space's networks differ in size, or it would order them by their size.

    Args:
        space: Where; all of it where it has fewer than ``count``.
        problem: Gives the images, from its training split.
        count: How many.
        seed: Of the draw and of the initial weights, which all of them share.
    """
    inputs = problem.inputs(space).train
    rng = np.random.default_rng([seed, count])
    chosen = torch.from_numpy(rng.permutation(len(problem.train_labels))[:BATCH]).to(device())
    images = take(inputs, chosen)

    def score(architecture: Architecture) -> float:
        network = seeded(space, architecture, problem.form.outputs, seed).to(device())
        return naswot(network, images, normalised=not space.equal_sizes)

    drawn: list[Told] = list(explore(space, Uniform(), score, min(count, size(space)), rng))
    return [architecture for architecture, _ in sorted(drawn, key=lambda each: -each[1])]


def _kept(journal: Journal, order: Callable[[], list[Architecture]]) -> list[Architecture]:
    return [tuple(each) for each in journal.once("by score", order)]


@dataclass(frozen=True)
class InOrder:
    """Proposes architectures of a list, but for those told before.

    Args:
        architectures: The first first; at random once all were told.
    """

    architectures: Sequence[Architecture]
    _rest: Uniform = field(default_factory=Uniform)

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return the next architecture."""
        seen = {architecture for architecture, _ in told}
        left = (each for each in self.architectures if each not in seen)
        return next(left, None) or self._rest.propose(space, told, rng)
