"""Judging one target's advice: transfers and searches beside their controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskzoo.params import Params
from taskzoo.probe.forms import AnyTask
from taskzoo.probe.network import State
from taskzoo.recommend.advice import Advice, Elites
from taskzoo.recommend.comparison import Comparison, Transfer
from taskzoo.recommend.narrowing import narrow
from taskzoo.recommend.transfer import FewShot, arms, transfers
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.run import search_task
from taskzoo.search.space import SearchSpace
from taskzoo.search.tuning import make_problem, options


@dataclass(frozen=True)
class Zoo:
    """What the sources left behind.

    Args:
        probes: Source -> probe files, one a repeat.
        elites: Source -> best architectures.
        initial: The state all probes started from.
    """

    probes: Mapping[str, Sequence[Path]]
    elites: Elites
    initial: State


def compare_transfers(task: AnyTask, advice: Advice, zoo: Zoo, params: Params) -> list[Transfer]:
    """Fine-tune a target from few images, from the recommended source and from every control."""
    few = FewShot(task, params.probe, params.compare, params.train)
    return list(transfers(few, advice.recommendation, zoo.probes, zoo.initial, params.seed))


def narrowed_spaces(space: SearchSpace, advice: Advice, zoo: Zoo, params: Params) -> dict[str, SearchSpace]:
    """Return the restricted spaces to be searched beside the full one.

    Args:
        space: The full space.
        advice: The target's; where it abstains, nothing is narrowed and there is no "narrowed" arm.
        zoo: Gives the elites.
        params: Gives the share below which options are cut, and the seed of the random source.

    Returns:
        Arm -> space.
    """
    spaces: dict[str, SearchSpace] = {}
    if advice.narrowing.keep:
        spaces["narrowed"] = space.restrict(advice.narrowing.keep)
    chance = arms(advice.recommendation, params.seed)["random"]
    by_chance = narrow(zoo.elites, {chance: 1.0}, options(space), params.recommend.keep, params.search.explore)
    return spaces | {"random-source": space.restrict(by_chance.keep)}


def search_arms(
    spaces: Mapping[str, SearchSpace],
    whole: SearchSpace,
    problem: Problem,
    params: Params,
    journal: Journal = NO_JOURNAL,
) -> tuple[list[Trial], dict[str, dict[str, tuple[str, ...]]]]:
    """Search every space with the same seeds and budget.

    Args:
        spaces: Arm -> space.
        whole: The full space, of which they are parts, or which they are.
        problem: The target.
        params: Budget and seeds.
        journal: Told of trials that are done.

    Returns:
        All trials, and arm -> options by decision.
    """
    trials = [
        trial
        for arm, space in spaces.items()
        for trial in search_task(space, whole, problem, params.search, arm, params.seed, journal)
    ]
    return trials, {arm: options(space) for arm, space in spaces.items()}


def compare(
    task: AnyTask,
    advice: Advice,
    zoo: Zoo,
    space: SearchSpace,
    full: Sequence[Trial],
    params: Params,
    journal: Journal = NO_JOURNAL,
) -> Comparison:
    """Judge one target's advice.

    Args:
        task: The target, with all three splits.
        advice: Its sources and narrowed space.
        zoo: What the sources left behind.
        space: The full space.
        full: Its trials, which the search stage has already done with the same seeds and budget.
        params: Of the zoo.
        journal: Told of trials that are done; keeps them.

    Returns:
        Transfers and trials of every arm.
    """
    problem = make_problem(task, params.search, params.probe)
    trials, _ = search_arms(narrowed_spaces(space, advice, zoo, params), space, problem, params, journal)
    return Comparison(target=task.name, transfers=compare_transfers(task, advice, zoo, params), trials=[*full, *trials])
