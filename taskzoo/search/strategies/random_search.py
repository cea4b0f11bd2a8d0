"""Uniform random search without repeats: the control of every other strategy."""

import optuna

from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial, measure
from taskzoo.search.space import Architecture, SearchSpace, size
from taskzoo.search.strategies.ticks import Tick, silent


def random_search(space: SearchSpace, problem: Problem, trials: int, seed: int, tick: Tick = silent) -> list[Trial]:
    """Train distinct architectures drawn uniformly.

    Args:
        space: Where.
        problem: For which task.
        trials: How many architectures; all of the space where it has fewer.
        seed: Of the draw and the trainings.
        tick: Told of every training.

    Returns:
        The trials in order.
    """
    done: list[Trial] = []
    for architecture in draw_distinct(space, min(trials, size(space)), seed):
        done.append(measure("random", space, problem, architecture, seed, len(done) + 1))
        tick(1)
    return done


def draw_distinct(space: SearchSpace, count: int, seed: int) -> list[Architecture]:
    """Return distinct architectures from optuna's random sampler; the space must have as many."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    seen: dict[Architecture, None] = {}
    while len(seen) < count:
        trial = study.ask()
        architecture = tuple(
            choice.options.index(trial.suggest_categorical(choice.name, choice.options)) for choice in space.choices
        )
        seen[architecture] = None
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return list(seen)
