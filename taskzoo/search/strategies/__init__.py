"""Search strategies: each proposes architectures and knows nothing of tasks, sources or distances."""

from collections.abc import Mapping
from typing import Protocol

from taskzoo.params import StrategyName
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies.fuse import fuse_search
from taskzoo.search.strategies.random_search import random_search
from taskzoo.search.strategies.ticks import Tick


class Strategy(Protocol):
    """What every strategy is called with."""

    def __call__(self, space: SearchSpace, problem: Problem, trials: int, seed: int, tick: Tick) -> list[Trial]:
        """Search.

        Args:
            space: Where.
            problem: For which task.
            trials: Candidate trainings that may be spent, each of the problem's recipe.
            seed: Of everything drawn.
            tick: Told how many candidate trainings have just been spent.

        Returns:
            The architectures trained alone, in order.
        """


STRATEGIES: Mapping[StrategyName, Strategy] = {"random": random_search, "fuse": fuse_search}
