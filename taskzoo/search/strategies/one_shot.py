"""One-shot search: a supernet is trained one path at a time, and then says which paths are worth training alone."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor
from torch.optim.swa_utils import update_bn

from taskzoo.params import StrategyName
from taskzoo.probe.network import device
from taskzoo.probe.training import batches
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.metrics import Metrics
from taskzoo.search.problem import Lookup, Problem, take
from taskzoo.search.results import Trial
from taskzoo.search.space import Architecture, SearchSpace, encode, sample, size
from taskzoo.search.strategies.asking import explore
from taskzoo.search.strategies.evolution import AgingEvolution
from taskzoo.search.supernet import Supernet, one_hot, seeded_supernet
from taskzoo.search.supernet_training import SMALLEST_TRAINING, train_supernet

ALONE = 4  # One training in so many is of a path alone.
JUDGING = 8  # One training in so many of the others pays for judging paths.
STATISTICS = 4  # Batches from which a path's batch normalisation is measured anew.
BACKWARD = 3  # A step costs as much as the forward passes of three of its batches.
Paths = Callable[[SearchSpace, int, np.random.Generator], list[Architecture]]
"""Chooses which path each of so many steps trains."""


def uniform_paths(space: SearchSpace, steps: int, rng: np.random.Generator) -> list[Architecture]:
    """Return paths of which every architecture is equally likely: single-path one-shot (Guo et al., 2020)."""
    return [sample(space, rng) for _ in range(steps)]


class OneShot:
    """A strategy that trains a supernet on one path a step, and judges paths by its weights.

    The published codes mix all options with a softmax where they mean one path, and judge without measuring batch
    normalisation anew; here a path is all that is computed, and its statistics are its own.

    Args:
        name: Of the strategy, in its trials.
        paths: Chooses the paths.
    """

    def __init__(self, name: StrategyName, paths: Paths) -> None:
        self.name, self.paths = name, paths

    def __call__(
        self,
        space: SearchSpace,
        problem: Problem,
        trials: int,
        seed: int,
        journal: Journal = NO_JOURNAL,
        known: Sequence[Trial] = (),
    ) -> list[Trial]:
        """Search.

        Three trainings in four pay for the supernet, whose steps cost as much as a candidate's, and for judging; the
        paths judged best are trained alone with the rest.

        Args:
            space: Where; it must have a supernet.
            problem: For which task.
            trials: Candidate trainings that may be spent; no more than the space has architectures.
            seed: Of everything drawn.
            journal: Told of trainings spent; keeps the supernet's state.
            known: Earlier trials of the same search; the best are judged first, and none is trained alone again.

        Returns:
            The trials, the best judged first; none where too little is left for a second supernet.
        """
        if known and trials < SMALLEST_TRAINING:
            return []
        trials = min(trials, size(space))
        joint = trials - math.ceil(trials / ALONE)
        judged = max(trials - joint, int(joint * problem.recipe.steps / JUDGING / price(problem)))
        steps = max(0, math.floor(joint * problem.recipe.steps - judged * price(problem)))
        rng = np.random.default_rng([seed, len(known)])
        supernet = self.train(space, problem, steps, seed, journal, joint)
        earlier = sorted(known, key=lambda each: -each.reward)
        first = [encode(space, each.architecture) for each in earlier]
        ranked = journal.once("ranked", lambda: rank(supernet, space, problem, judged, seed, rng, first[: judged // 2]))
        done: list[Trial] = []
        fresh = [each for each in map(tuple, ranked) if each not in first]
        for architecture in fresh[: trials - joint]:
            done.append(journal.measure(self.name, space, problem, architecture, seed, joint + len(done) + 1))
            journal.tick(1)
        return done

    def train(
        self,
        space: SearchSpace,
        problem: Problem,
        steps: int,
        seed: int,
        journal: Journal = NO_JOURNAL,
        trainings: int = 0,
    ) -> Supernet:
        """Train a supernet, one path a step.

        Args:
            space: With a supernet.
            problem: Gives training images and recipe.
            steps: Number of updates.
            seed: Of everything drawn.
            journal: Told of trainings; keeps the state.
            trainings: As how many candidate trainings all steps together are told.

        Returns:
            The supernet.
        """
        supernet = seeded_supernet(space, problem.form.outputs, seed).to(device())
        inputs, labels = problem.inputs(space).train, problem.train_labels
        paths = self.paths(space, steps, np.random.default_rng(seed))

        def loss(step: int, index: Tensor) -> Tensor:
            outputs = supernet(take(inputs, index.to(device())), one_hot(space.choices, paths[step]))
            return problem.form.likelihood.negative_log(outputs, labels[index].to(outputs.device)).mean()

        groups = [{"params": list(supernet.parameters()), "lr": problem.recipe.learning_rate}]
        train_supernet(supernet, groups, loss, problem, steps, seed, journal, trainings)
        return supernet


def rank(
    supernet: Supernet,
    space: SearchSpace,
    problem: Problem,
    count: int,
    seed: int,
    rng: np.random.Generator,
    first: Sequence[Architecture] = (),
) -> list[Architecture]:
    """Return distinct paths, the best first, found by regularised evolution on what a supernet makes of them.

    Args:
        supernet: Trained.
        space: Its own.
        problem: Gives images and reward.
        count: How many to judge.
        seed: Of the images that batch normalisation sees.
        rng: For whatever evolution draws.
        first: Judged first.
    """
    judged: dict[Architecture, float] = {}

    def reward(architecture: Architecture) -> float:
        if architecture not in judged:
            judged[architecture] = problem.reward(judge(supernet, space, problem, architecture, seed))
        return judged[architecture]

    for _ in explore(space, AgingEvolution(first=first), reward, count, rng):
        pass
    return sorted(judged, key=lambda each: -judged[each])


def judge(supernet: Supernet, space: SearchSpace, problem: Problem, architecture: Architecture, seed: int) -> Metrics:
    """Measure a path with a supernet's weights; its batch normalisation is measured on training images first."""
    child = supernet.child(architecture)
    batch = problem.recipe.batch_size
    order = batches(len(problem.train_labels), batch, STATISTICS, seed)
    update_bn((index.to(device()) for index in order), Lookup(child, problem.inputs(space).train))
    return problem.measure(space, architecture, child)


def price(problem: Problem) -> float:
    """Return what judging a path costs, in steps of training: forward passes alone."""
    batch = min(problem.recipe.batch_size, len(problem.train_labels))
    return (STATISTICS * batch + len(problem.val_labels)) / (BACKWARD * batch)
