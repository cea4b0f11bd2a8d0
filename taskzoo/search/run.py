"""The searches of one task."""

import math
from collections.abc import Callable

from taskzoo.params import SearchParams, StrategyName
from taskzoo.probe.training import Recipe
from taskzoo.search.journal import NO_JOURNAL, Counted, Journal
from taskzoo.search.problem import Evaluator, Problem
from taskzoo.search.results import Trial
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies import LEAST, STRATEGIES


def candidate_recipe(params: SearchParams) -> Recipe:
    """Return how every candidate is trained."""
    return Recipe(params.steps, params.batch_size, params.learning_rate)


def searches(params: SearchParams, seed: int) -> list[tuple[StrategyName, int]]:
    """Return the strategy and the seed of every search of one space.

    Args:
        params: Strategies and seeds.
        seed: Of the first search; the others count up from it, so that arms with equal seeds are paired.
    """
    return [(name, seed + repeat) for name in params.strategies for repeat in range(params.seeds)]


def search_once(
    space: SearchSpace,
    whole: SearchSpace,
    problem: Problem,
    params: SearchParams,
    arm: str,
    name: StrategyName,
    seed: int,
    journal: Journal = NO_JOURNAL,
) -> list[Trial]:
    """Run one strategy with one seed on one space.

    Args:
        space: Whole or restricted.
        whole: Of which it is a part; a search of a part ends with ``params.explore`` of its trials in the whole,
            unless these are too few for the strategy, and goes over to it as soon as the part is exhausted.
        problem: The task.
        params: Number of trials.
        arm: Name of the space in the trials.
        name: Of the strategy.
        seed: Of everything drawn.
        journal: Told of ``params.trials`` trainings, whatever the search spends; it has a part of its own.

    Returns:
        All trials.
    """
    search, spent = STRATEGIES[name], Counted(journal.tick)
    own = journal.part(f"{arm}-{name}-{seed}", spent)
    if space is whole:
        trials = search(space, problem, params.trials, seed, own)
    else:
        kept = math.ceil(params.explore * params.trials)
        explore = kept if kept >= LEAST.get(name, 1) else 0
        trials = narrowed_search(search, space, whole, problem, params.trials, explore, seed, own)
    journal.tick(params.trials - spent.total)
    return [trial.model_copy(update={"arm": arm}) for trial in trials]


def search_task(
    space: SearchSpace,
    whole: SearchSpace,
    problem: Problem,
    params: SearchParams,
    arm: str,
    seed: int,
    journal: Journal = NO_JOURNAL,
) -> list[Trial]:
    """Run every strategy with every seed on one space, one after the other; see ``search_once``."""
    return [
        trial
        for name, own_seed in searches(params, seed)
        for trial in search_once(space, whole, problem, params, arm, name, own_seed, journal)
    ]


def narrowed_search(
    search: Callable[..., list[Trial]],
    part: SearchSpace,
    whole: SearchSpace,
    problem: Evaluator,
    trials: int,
    explore: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
) -> list[Trial]:
    """Search a part of a space first, then the whole, going on from what was found.

    Args:
        search: The strategy, one that ``problem`` suits.
        part: A restriction of ``whole``.
        whole: The space.
        problem: The task.
        trials: Candidate trainings that may be spent in both.
        explore: At least so many of them are kept for the whole; more where the part is exhausted.
        seed: Of everything drawn.
        journal: Told of trainings spent.

    Returns:
        All trials; numbers run over both.
    """
    spent = Counted(journal.tick)
    first = search(part, problem, trials - explore, seed, journal.part("part", spent))
    before = spent.total
    rest = search(whole, problem, trials - before, seed, journal.part("whole"), first) if before < trials else []
    return first + [trial.model_copy(update={"number": before + trial.number}) for trial in rest]
