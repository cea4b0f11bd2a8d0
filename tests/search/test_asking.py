"""Strategies that ask for one architecture after the other, on made-up rewards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import torch

from taskzoo.params import CostName
from taskzoo.search.metrics import Metrics
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.rewards import Floor, Limit, Mixed, Reward, by_accuracy
from taskzoo.search.space import Architecture, mutate
from taskzoo.search.strategies.asking import AskTell, Proposer, Told, explore
from taskzoo.search.strategies.evolution import AgingEvolution
from taskzoo.search.strategies.policy_gradient import Policy, PolicyGradient
from taskzoo.search.strategies.random_search import Uniform
from taskzoo.search.strategies.tpe import ParzenEstimator

SPACE = NASBench201Space()
PROPOSERS: list[Callable[[], Proposer]] = [Uniform, AgingEvolution, ParzenEstimator, PolicyGradient]


def rugged(architecture: Architecture) -> float:
    """Return how near an architecture is to (0, 1, 2, 3, 4, 0), with a few local maxima."""
    near = sum(one == other for one, other in zip(architecture, (0, 1, 2, 3, 4, 0), strict=True))
    return near / 6 - 0.02 * (sum(architecture) % 3)


def search(make: Callable[[], Proposer], trials: int, seed: int) -> list[Told]:
    """Return what was tried."""
    return list(explore(SPACE, make(), rugged, trials, np.random.default_rng(seed)))


def test_a_mutation_changes_one_decision() -> None:
    rng, parent = np.random.default_rng(0), (0, 1, 2, 3, 4, 0)
    children = [mutate(SPACE, parent, rng) for _ in range(2000)]
    assert {sum(a != b for a, b in zip(parent, child, strict=True)) for child in children} == {1}
    assert len(set(children)) == 6 * 4  # Every child that there is.
    alone = SPACE.restrict({choice.name: ["none"] for choice in SPACE.choices})
    assert mutate(alone, (0,) * 6, rng) == (0,) * 6


def test_random_search_never_repeats() -> None:
    small = SPACE.restrict({choice.name: ["none", "skip_connect"] for choice in SPACE.choices})
    tried = [each for each, _ in explore(small, Uniform(), lambda _: 0.0, 100, np.random.default_rng(0))]
    assert sorted(tried) == sorted(product((0, 1), repeat=6))


def test_the_oldest_dies_not_the_worst() -> None:
    old_and_best = ((0,) * 6, 9.0)
    young = [((1, 1, 1, 1, 1, 1), 0.1), ((1, 1, 1, 1, 1, 1), 0.2)]
    children = [
        AgingEvolution(population=2, tournament=2).propose(SPACE, [old_and_best, *young], np.random.default_rng(seed))
        for seed in range(20)
    ]
    assert all(sum(gene == 1 for gene in child) == 5 for child in children)


def test_evolution_begins_with_what_it_is_given() -> None:
    first = [(4,) * 6, (3,) * 6]
    proposer = AgingEvolution(population=4, first=first)
    tried = [each for each, _ in explore(SPACE, proposer, rugged, 3, np.random.default_rng(0))]
    assert tried[:2] == first


@pytest.mark.parametrize("make", PROPOSERS)
def test_the_same_seed_gives_the_same_search(make: Callable[[], Proposer]) -> None:
    assert search(make, 15, 3) == search(make, 15, 3)
    assert search(make, 15, 3) != search(make, 15, 4)


@pytest.mark.parametrize("make", PROPOSERS[1:])
def test_what_is_found_guides_the_search(make: Callable[[], Proposer]) -> None:
    found, by_chance = (
        np.mean([np.mean([reward for _, reward in search(each, 120, seed)[60:]]) for seed in range(3)])
        for each in (make, Uniform)
    )
    assert found > by_chance + 0.1


def test_the_policy_is_a_distribution() -> None:
    torch.manual_seed(0)
    policy = Policy([2, 3, 2])
    every = list(product(range(2), range(3), range(2)))
    shares = torch.stack([policy.log_probability(each) for each in every]).exp().detach()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    rng = np.random.default_rng(0)
    drawn = policy.draw(rng, 4000)
    for each, share in zip(every, shares.tolist(), strict=True):
        assert drawn.count(each) / len(drawn) == pytest.approx(share, abs=0.03)


def test_the_policy_follows_the_reward() -> None:
    proposer, rng = PolicyGradient(), np.random.default_rng(0)
    told = [((0,) * 6, 0.5), ((1,) * 6, 1.0), ((2,) * 6, 0.0)]
    proposer.propose(SPACE, told[:1], rng)
    assert proposer._policy is not None
    before = [proposer._policy.log_probability(each).item() for each, _ in told]
    proposer.propose(SPACE, told, rng)
    after = [proposer._policy.log_probability(each).item() for each, _ in told]
    assert after[1] > before[1]
    assert after[2] < before[2]


METRICS = Metrics(accuracy=0.8, parameters=50, macs=300)


def test_rewards_by_hand() -> None:
    assert by_accuracy(METRICS) == 0.8
    assert Mixed("macs", reference=400, weight=0.75)(METRICS) == pytest.approx(0.75 * 0.8 - 0.25 * 0.75)
    assert Mixed("macs", reference=100, weight=0.5)(METRICS) == pytest.approx(0.4 - 0.5)
    assert [Limit("macs", limit)(METRICS) for limit in (300, 301)] == [0, 0.8]
    assert [Floor("parameters", 200, wanted)(METRICS) for wanted in (0.8, 0.81)] == [0.75, 0]


@dataclass(frozen=True)
class Ruggedly:
    """Accuracies and costs that are made up."""

    reward: Reward
    costs: Sequence[CostName] = ("macs",)

    def evaluate(self, space: NASBench201Space, architecture: Architecture, seed: int) -> Metrics:
        """Return the accuracy ``rugged`` gives; the multiply-accumulates are the network's."""
        parameters, macs = space.costs(architecture, 10, 32)
        return Metrics(accuracy=max(rugged(architecture), 0.0), parameters=parameters, macs=macs)


@pytest.mark.parametrize("make", PROPOSERS)
def test_a_hard_limit_is_met(make: Callable[[], Proposer]) -> None:
    reward = Limit("macs", 60e6)
    trials = AskTell("random", make)(SPACE, Ruggedly(reward), 60, seed=0)
    best = max(trials, key=lambda each: each.reward)
    assert best.macs < 60e6
    assert [trial.number for trial in trials] == list(range(1, 61))
