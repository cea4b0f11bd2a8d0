"""The searches of one task."""

from taskzoo.params import ProbeParams, SearchParams
from taskzoo.probe.network import State
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.strategies.ticks import Tick, silent


def make_space(search: SearchParams, probe: ProbeParams, state: State) -> CellSpace | ModelSpace:
    """Return the whole space that the parameters describe.

    Args:
        search: Kind of space and its dimensions.
        probe: Backbone and image size.
        state: Of the task's own probe's backbone: the trunk of all cells, or the start of that one model.

    Returns:
        The space.
    """
    if search.space == "cells":
        return CellSpace(probe.backbone, state, probe.image_size, search.nodes, search.width)
    return ModelSpace(search.models, probe.image_size, {probe.backbone: state})


def candidate_recipe(params: SearchParams) -> Recipe:
    """Return how every candidate is trained."""
    return Recipe(params.steps, params.batch_size, params.learning_rate)


def search_task(
    space: SearchSpace, problem: Problem, params: SearchParams, arm: str, seed: int, tick: Tick = silent
) -> list[Trial]:
    """Run every strategy with every seed on one space.

    Args:
        space: Whole or restricted.
        problem: The task.
        params: Strategies, seeds and trials.
        arm: Name of the space in the trials.
        seed: Of the first search; the others count up from it, so that arms with equal seeds are paired.
        tick: Told of every search that is done, in trials.

    Returns:
        All trials.
    """
    done: list[Trial] = []
    for name, own_seed in ((name, seed + repeat) for name in params.strategies for repeat in range(params.seeds)):
        trials = STRATEGIES[name](space, problem, params.trials, own_seed, silent)
        done.extend(trial.model_copy(update={"arm": arm}) for trial in trials)
        tick(params.trials)
    return done
