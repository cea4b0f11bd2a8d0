"""The searches of one task."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from taskzoo.params import ProbeParams, SearchParams
from taskzoo.probe.network import State
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies import STRATEGIES


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


def search_task(space: SearchSpace, problem: Problem, params: SearchParams, arm: str, seed: int) -> list[Trial]:
    """Run every strategy with every seed on one space, with progress on stderr.

    Args:
        space: Whole or restricted.
        problem: The task.
        params: Strategies, seeds and trials.
        arm: Name of the space in the trials.
        seed: Of the first search; the others count up from it, so that arms with equal seeds are paired.

    Returns:
        All trials.
    """
    done: list[Trial] = []
    searches = [(name, seed + repeat) for name in params.strategies for repeat in range(params.seeds)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"search {arm}", total=len(searches) * params.trials)
        for position, (name, own_seed) in enumerate(searches, start=1):
            trials = STRATEGIES[name](
                space, problem, params.trials, own_seed, lambda count: progress.advance(bar, count)
            )
            done.extend(trial.model_copy(update={"arm": arm}) for trial in trials)
            progress.update(bar, completed=position * params.trials)
    return done
