"""EN2AS and its control, pinned."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from taskzoo.search.journal import Journal
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.rewards import Limit
from taskzoo.search.space import Architecture, mutate, sample
from taskzoo.search.strategies import en2as
from taskzoo.search.strategies.en2as import ARCHIVE, novel_paths, novelty, renew
from taskzoo.search.strategies.one_shot import OneShot, Paths, judge, price, rank, uniform_paths
from taskzoo.search.supernet import seeded_supernet
from taskzoo.search.supernet_training import SMALLEST_TRAINING
from tests.search.conftest import make_problem

SPACE = NASBench201Space()


def variety(paths: list[Architecture]) -> float:
    """Return the mean share of decisions in which two paths differ."""
    return float(pdist(np.array(paths), "hamming").mean())


def unusual(archive: list[Architecture]) -> float:
    """Return the mean novelty of an archive's members among the others."""
    others = [archive[:place] + archive[place + 1 :] for place in range(len(archive))]
    return float(np.mean([novelty([each], rest) for each, rest in zip(archive, others, strict=True)]))


def test_novelty_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    archive: list[Architecture] = [(0, 0, 0, 0), (0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1)]
    monkeypatch.setattr(en2as, "NEIGHBOURS", 2)
    assert novelty([(0, 0, 0, 0)], archive[1:]).tolist() == [(1 / 4 + 3 / 4) / 2]
    assert novelty([(0, 0, 1, 1), (0, 0, 0, 0)], archive).tolist() == [(1 / 4 + 1 / 4) / 2, (0 + 1 / 4) / 2]
    monkeypatch.setattr(en2as, "NEIGHBOURS", 10)  # More than there are.
    assert novelty([(0, 0, 0, 0)], archive[1:]).tolist() == pytest.approx([(1 + 3 + 4) / 4 / 3])


@pytest.mark.parametrize("seed", range(3))
def test_an_archive_spreads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent = sample(SPACE, rng)
    archive = [mutate(SPACE, parent, rng) for _ in range(ARCHIVE)]
    course = [(variety(archive), unusual(archive))]
    for _ in range(5):
        for _ in range(100):
            renew(SPACE, archive, rng)
        course.append((variety(archive), unusual(archive)))
    assert course[-1][0] > course[0][0] + 0.3
    assert all(later[0] > before[0] - 0.01 for before, later in pairwise(course))
    assert course[-1][1] > course[0][1] + 0.3


@pytest.mark.parametrize("seed", range(3))
def test_a_random_archive_stays_as_varied_and_gets_more_unusual(seed: int) -> None:
    paths = novel_paths(SPACE, 1000, np.random.default_rng(seed))
    first, last = paths[:ARCHIVE], paths[-ARCHIVE:]
    assert variety(last) > variety(first) - 0.01
    archive, rng = list(first), np.random.default_rng(seed)
    for _ in range(500):
        renew(SPACE, archive, rng)
    assert unusual(archive) > unusual(first) + 0.01


def test_architectures_change_and_stay_legal() -> None:
    space = SPACE.restrict({"edge_0_1": ["none", "skip_connect"], "edge_0_2": ["nor_conv_3x3"]})
    paths = novel_paths(space, 400, np.random.default_rng(0))
    assert len(paths) == 400
    assert len(set(paths)) > 300  # The published code trains its first archive again and again.
    for place, choice in enumerate(space.choices):
        assert {path[place] for path in paths} == set(range(len(choice.options)))


def test_every_renewal_changes_one_decision_of_one_member() -> None:
    rng = np.random.default_rng(0)
    archive = [sample(SPACE, rng) for _ in range(20)]
    for _ in range(100):
        before = list(archive)
        new = renew(SPACE, archive, rng)
        (place,) = [place for place in range(20) if archive[place] != before[place]]
        assert archive[place] == new
        assert sum(a != b for a, b in zip(new, before[place], strict=True)) == 1


def test_uniform_paths_are_uniform() -> None:
    paths = uniform_paths(SPACE, 5000, np.random.default_rng(0))
    for place in range(6):
        counts = Counter(path[place] for path in paths)
        assert all(count / 5000 == pytest.approx(0.2, abs=0.03) for count in counts.values())


def test_a_step_trains_the_path_that_it_was_given(networks: NASBench201Space) -> None:
    problem = make_problem(side=8)
    path = sample(networks, np.random.default_rng(0))
    supernet = OneShot("one_shot", lambda space, steps, rng: [path] * steps).train(networks, problem, 3, seed=0)
    begun = seeded_supernet(networks, 2, 0)
    other = tuple((index + 1) % len(choice.options) for index, choice in zip(path, networks.choices, strict=True))
    kept = {name: tensor for name, tensor in begun.child(other).state_dict().items() if ".edges." in name}
    assert kept
    assert all(torch.equal(supernet.child(other).state_dict()[name], tensor) for name, tensor in kept.items())
    head = "network.network.head.weight"
    assert not torch.equal(supernet.state_dict()[head], begun.state_dict()[head])


def test_a_path_is_judged_with_statistics_of_its_own(networks: NASBench201Space) -> None:
    problem, path = make_problem(side=8), sample(networks, np.random.default_rng(1))
    supernet = OneShot("one_shot", uniform_paths).train(networks, problem, 5, seed=0)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    metrics = judge(supernet, networks, problem, path, seed=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())
    for name, tensor in supernet.named_buffers():
        if "running" in name:
            tensor.fill_(7.0)  # Nonsense, which must not matter.
    assert judge(supernet, networks, problem, path, seed=0) == metrics
    assert problem.measure(networks, path, supernet.child(path)) != metrics


def test_the_price_of_judging_by_hand() -> None:
    # 4 batches of 16 and 32 validation images, forward; a step is 16 images forward and backward.
    assert price(make_problem(side=8)) == pytest.approx((64 + 32) / 48)


def test_ranks_follow_the_reward(networks: NASBench201Space) -> None:
    problem = make_problem(side=8)
    supernet = OneShot("one_shot", uniform_paths).train(networks, problem, 20, seed=0)
    ranked = rank(supernet, networks, problem, 6, 0, np.random.default_rng(0))
    values = [judge(supernet, networks, problem, each, 0).accuracy for each in ranked]
    assert values == sorted(values, reverse=True)
    assert len(set(ranked)) == len(ranked) <= 6
    sizes = [networks.costs(each, 2, 8)[0] for each in ranked]
    limited = replace(problem, reward=Limit("parameters", min(sizes) + 1))
    best = rank(supernet, networks, limited, 6, 0, np.random.default_rng(0))[0]
    assert networks.costs(best, 2, 8)[0] == min(sizes)


@pytest.mark.parametrize("paths", [uniform_paths, novel_paths])
def test_the_budget_is_kept_and_told(paths: Paths, networks: NASBench201Space) -> None:
    told: list[int] = []
    strategy = OneShot("en2as", paths)
    trials = strategy(networks, make_problem(2, 8), 9, 0, Journal(told.append))
    assert sum(told) == 9
    assert [trial.number for trial in trials] == [7, 8, 9]
    assert trials == strategy(networks, make_problem(2, 8), 9, 0)
    again = strategy(networks, make_problem(2, 8), SMALLEST_TRAINING, 0, known=trials)
    assert not {str(each.architecture) for each in again} & {str(each.architecture) for each in trials}
    assert strategy(networks, make_problem(2, 8), SMALLEST_TRAINING - 1, 0, known=trials) == []
