"""What several benchmarks need of NAS-Bench-201: its cells, its table, and what a search of it answers."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from benchmarks.transfer.settings import data
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.results import Trial
from taskzoo.search.table import Accuracies, read_accuracies

SPACE = NASBench201Space()


@cache
def known(dataset: str) -> Accuracies:
    """Return a data set's accuracies, from ``nasbench201.csv.gz`` in the folder ``TASKZOO_DATA``."""
    return read_accuracies(data() / "nasbench201.csv.gz", dataset)


def answers(trials: Sequence[Trial], budgets: Sequence[int]) -> list[Trial]:
    """Return the trial of the best reward so far, after each of some numbers of evaluations."""
    rewards = np.array([trial.reward for trial in trials])
    return [trials[int(np.argmax(rewards[:budget]))] for budget in budgets]
