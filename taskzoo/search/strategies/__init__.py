"""Search strategies: each proposes architectures and knows nothing of tasks, sources or distances."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from taskzoo.params import SUPERNETS, StrategyName
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies.asking import AskTell
from taskzoo.search.strategies.by_score import area_search, naswot_search
from taskzoo.search.strategies.en2as import novel_paths
from taskzoo.search.strategies.evolution import AgingEvolution
from taskzoo.search.strategies.fuse import SMALLEST_ROUND, fuse_search
from taskzoo.search.strategies.nsga2 import nsga2_search
from taskzoo.search.strategies.one_shot import OneShot, uniform_paths
from taskzoo.search.strategies.policy_gradient import PolicyGradient
from taskzoo.search.strategies.random_search import Uniform
from taskzoo.search.strategies.snas import snas_search
from taskzoo.search.strategies.tpe import ParzenEstimator
from taskzoo.search.supernet_training import SMALLEST_TRAINING


class Strategy(Protocol):
    """What every strategy is called with."""

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

        Args:
            space: Where.
            problem: For which task.
            trials: Candidate trainings that may be spent, each of the problem's recipe.
            seed: Of everything drawn.
            journal: Told of trainings spent; keeps what an interruption must not cost.
            known: Earlier trials of the same search, perhaps in a part of the space, from which it goes on.

        Returns:
            The architectures trained alone, in order, numbered from 1.
        """


STRATEGIES: Mapping[StrategyName, Strategy] = {
    "random": AskTell("random", Uniform),
    "evolution": AskTell("evolution", AgingEvolution),
    "tpe": AskTell("tpe", ParzenEstimator),
    "nsga2": nsga2_search,
    "monas": AskTell("monas", PolicyGradient),
    "naswot": naswot_search,
    "area": area_search,
    "fuse": fuse_search,
    "snas": snas_search,
    "one_shot": OneShot("one_shot", uniform_paths),
    "en2as": OneShot("en2as", novel_paths),
}
LEAST: Mapping[StrategyName, int] = {"fuse": SMALLEST_ROUND, **dict.fromkeys(SUPERNETS, SMALLEST_TRAINING)}
"""Trials without which a strategy can do nothing; one where it is not named."""
