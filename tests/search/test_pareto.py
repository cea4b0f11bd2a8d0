"""The Pareto front and its hypervolume by hand, and the search for it."""

import numpy as np
import pytest

from taskzoo.search.metrics import Metrics
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.pareto import front, hypervolume
from taskzoo.search.results import Trial
from taskzoo.search.rewards import by_accuracy
from taskzoo.search.strategies import nsga2
from taskzoo.search.strategies.asking import AskTell
from taskzoo.search.strategies.random_search import Uniform
from tests.search.test_asking import Ruggedly

SPACE = NASBench201Space()


def metrics(accuracy: float, macs: int, parameters: int = 0) -> Metrics:
    return Metrics(accuracy=accuracy, parameters=parameters, macs=macs)


def test_the_front_by_hand() -> None:
    best, cheap, beaten, same, dear = (
        metrics(0.9, 50),
        metrics(0.5, 10),
        metrics(0.5, 20),
        metrics(0.9, 50),
        metrics(0.8, 60),
    )
    assert front([beaten, cheap, dear, best, same], ["macs"]) == [best, cheap]
    assert front([], ["macs"]) == []


def test_more_costs_leave_more_to_choose_from() -> None:
    found = [metrics(0.9, 50, 7), metrics(0.8, 60, 6), metrics(0.7, 70, 7)]
    assert front(found, ["macs"]) == found[:1]
    assert front(found, ["macs", "parameters"]) == found[:2]


def test_the_hypervolume_by_hand() -> None:
    # From cost 2 to 5 the accuracy is 0.4, from 5 to 10 it is 0.9; what is beaten or too dear adds nothing.
    volume = hypervolume([0.9, 0.4, 0.3, 1.0], [5, 2, 6, 11], reference=10)
    assert volume == pytest.approx((3 * 0.4 + 5 * 0.9) / 10)
    assert hypervolume([], [], 10) == 0
    assert hypervolume([1.0], [0], 10) == 1


def test_the_hypervolume_is_the_share_of_a_grid() -> None:
    rng = np.random.default_rng(0)
    accuracies, costs = rng.random(6), rng.random(6)
    ticks = (np.arange(400) + 0.5) / 400
    covered = (accuracies[:, None, None] >= ticks[:, None]) & (costs[:, None, None] <= ticks)
    assert hypervolume(accuracies, costs, 1.0) == pytest.approx(covered.any(0).mean(), abs=5e-3)


def volume(trials: list[Trial]) -> float:
    return hypervolume([each.accuracy for each in trials], [each.macs for each in trials], 250e6)


def test_nsga2_covers_more_than_random_search() -> None:
    problem = Ruggedly(by_accuracy)
    found = [volume(nsga2.nsga2_search(SPACE, problem, 100, seed)) for seed in range(3)]
    by_chance = [volume(AskTell("random", Uniform)(SPACE, problem, 100, seed)) for seed in range(3)]
    assert np.mean(found) > np.mean(by_chance) + 0.03


def test_nsga2_repeats_itself_and_goes_on_from_what_is_known() -> None:
    problem = Ruggedly(by_accuracy)
    first, again = (nsga2.nsga2_search(SPACE, problem, 30, seed=1) for _ in range(2))
    assert first == again
    assert [trial.number for trial in first] == list(range(1, 31))
    rest = nsga2.nsga2_search(SPACE, problem, 30, seed=1, known=first)
    assert not {tuple(each.architecture.values()) for each in rest} & {tuple(t.architecture.values()) for t in first}
    assert np.mean([each.accuracy for each in rest]) > np.mean([each.accuracy for each in first])


def test_nsga2_ends_with_the_space() -> None:
    small = SPACE.restrict(
        {choice.name: ["none", "skip_connect"][: 1 + (place < 2)] for place, choice in enumerate(SPACE.choices)}
    )
    trials = nsga2.nsga2_search(small, Ruggedly(by_accuracy), 100, seed=0)
    assert len(trials) == 4
