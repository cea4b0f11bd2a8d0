"""Training of the chosen network, and what it is compared with."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from taskzoo.params import FinalParams
from taskzoo.probe.forms import ClassForm
from taskzoo.probe.network import initial_state
from taskzoo.probe.training import accuracy
from taskzoo.search.cells import CellSpace
from taskzoo.search.final import Variation, train_with_care
from taskzoo.search.finalists import FINALISTS, start, train_finalists
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import seeded
from taskzoo.search.rewards import Limit, Mixed, Reward, by_accuracy
from taskzoo.search.space import Architecture, SearchSpace, mutate, sample
from tests.search.conftest import PROBE, make_problem, pictures

STILL = {"shift": 0.0, "erase": 0.0, "smoothing": 0.0}
IMAGES = torch.arange(4 * 3 * 8 * 8, dtype=torch.float32).reshape(4, 3, 8, 8)
LABELS = torch.tensor([0, 1, 2, 1])


def test_images_that_are_left_alone_stay_as_they_are() -> None:
    images, targets = Variation(FinalParams(**STILL), 8, 3)(IMAGES, LABELS)
    assert torch.equal(images, IMAGES)
    assert torch.equal(targets, functional.one_hot(LABELS, 3).float())


def test_labels_are_smoothed_by_hand() -> None:
    _, targets = Variation(FinalParams(**{**STILL, "smoothing": 0.3}), 8, 3)(IMAGES, LABELS)
    assert targets[0].tolist() == pytest.approx([0.8, 0.1, 0.1])


def test_every_image_is_moved_on_its_own_and_by_no_more_than_was_said() -> None:
    torch.manual_seed(0)
    flat = torch.zeros(64, 3, 8, 8)
    flat[:, :, 4, 4] = 1
    moved, _ = Variation(FinalParams(**{**STILL, "shift": 0.125}), 8, 3)(flat, torch.zeros(64, dtype=torch.int64))
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places == {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)}


def test_half_of_the_images_are_mirrored_where_that_is_asked() -> None:
    torch.manual_seed(0)
    images = IMAGES[:1].repeat(200, 1, 1, 1)
    seen, _ = Variation(FinalParams(**STILL, mirror=True), 8, 3)(images, torch.zeros(200, dtype=torch.int64))
    mirrored = sum(torch.equal(each, IMAGES[0].flip(-1)) for each in seen)
    assert mirrored + sum(torch.equal(each, IMAGES[0]) for each in seen) == 200
    assert 70 < mirrored < 130


def test_mixed_images_have_mixed_labels() -> None:
    np.random.seed(0)
    images, targets = Variation(FinalParams(**STILL, mix=1.0), 8, 3)(IMAGES.clone(), LABELS)
    share = targets[0, 0]
    assert 0 < share < 1
    torch.testing.assert_close(images[0], share * IMAGES[0] + (1 - share) * IMAGES[3])


def test_the_average_of_no_memory_is_the_network_and_its_memory_lags() -> None:
    images, labels = pictures(48, 0)
    recipe = {"steps": 8, "batch_size": 16, "warmup": 0.0}

    def train(average: float) -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
        return network, train_with_care(
            network, images, labels, ClassForm(2), FinalParams(**recipe, average=average), seed=0
        )

    network, same = train(0.0)
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), same.parameters(), strict=True))
    network, lagging = train(0.9)
    assert not torch.equal(next(network.parameters()), next(lagging.parameters()))


def test_a_training_draws_from_its_seed_alone_and_leaves_all_generators(space: CellSpace) -> None:
    images, labels = pictures(48, 0)
    params = FinalParams(steps=3, batch_size=15, mix=0.5, erase=1.0, mirror=True)

    def train(seed: int) -> torch.Tensor:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 32 * 32, 2))
        torch.manual_seed(7)
        random.seed(7)
        np.random.seed(7)
        trained = train_with_care(network, images, labels, ClassForm(2), params, seed)
        drawn = float(torch.rand(())), random.random(), float(np.random.rand())
        torch.manual_seed(7)
        random.seed(7)
        np.random.seed(7)
        assert drawn == (float(torch.rand(())), random.random(), float(np.random.rand()))
        return next(trained.parameters()).detach()

    assert torch.equal(train(1), train(1))
    assert not torch.equal(train(1), train(2))


def test_the_best_on_validation_images_comes_first(space: CellSpace) -> None:
    problem, best = make_problem(), sample(space, np.random.default_rng(0))
    state = initial_state(PROBE)
    params = FinalParams(steps=25, batch_size=16, shift=0.0)
    other = mutate(space, best, np.random.default_rng(0))
    finalists = train_finalists(space, best, other, PROBE.backbone, state, problem, params)
    assert {each.name for each in finalists} == set(FINALISTS)
    inherited = {each.name for each in finalists if each.architecture == other}
    assert inherited == {"inherited", "inherited_frozen"}
    values = [accuracy(each.network, problem.val_images, problem.val_labels) for each in finalists]
    assert values == [each.metrics.accuracy for each in finalists] == sorted(values, reverse=True)
    assert max(values) > 0.9


def test_what_is_known_is_not_trained_again(space: CellSpace) -> None:
    problem, best = make_problem(), sample(space, np.random.default_rng(0))
    params, state = FinalParams(steps=2, batch_size=16), initial_state(PROBE)

    def names(space: SearchSpace, found: Architecture, inherited: Architecture) -> set[str]:
        return {each.name for each in train_finalists(space, found, inherited, PROBE.backbone, state, problem, params)}

    without = {name for name in FINALISTS if not name.startswith("inherited")}
    assert names(space, best, best) == without
    models = ModelSpace(["test_convnext3", PROBE.backbone, "test_byobnet"], 32, {PROBE.backbone: state})
    assert names(models, (0,), (1,)) == {"searched", "searched_plain", "backbone"}  # It is the backbone.
    assert names(models, (0,), (2,)) == {"searched", "searched_plain", "inherited", "backbone"}


def test_equals_come_in_the_order_of_their_list(space: CellSpace) -> None:
    problem = replace(make_problem(), reward=lambda metrics: 0.0)
    best, params = sample(space, np.random.default_rng(0)), FinalParams(steps=2, batch_size=16)
    other = mutate(space, best, np.random.default_rng(0))
    finalists = train_finalists(space, best, other, PROBE.backbone, initial_state(PROBE), problem, params)
    assert [each.name for each in finalists] == list(FINALISTS)


def test_the_chosen_one_keeps_the_limit_that_was_searched_under(space: CellSpace) -> None:
    problem, best = make_problem(), sample(space, np.random.default_rng(0))
    params = FinalParams(steps=2, batch_size=16)

    def macs(reward: Reward) -> list[int]:
        limited = replace(problem, reward=reward)
        return [
            each.metrics.macs
            for each in train_finalists(space, best, None, PROBE.backbone, initial_state(PROBE), limited, params)
        ]

    either = macs(by_accuracy)
    cheap, dear = min(either), max(either)
    assert cheap < dear
    assert macs(Limit("macs", dear))[-1] == dear  # It earns nothing, however accurate.
    assert macs(Mixed("macs", dear, weight=0.0))[0] == cheap


def test_statistics_that_there_are_can_be_kept() -> None:
    images, labels = pictures(48, 0)
    old, fresh = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    old.running_mean = torch.ones(3)
    network = nn.Sequential(old, fresh, nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    trained = train_with_care(network, images, labels, ClassForm(2), FinalParams(steps=4, batch_norm="frozen"), seed=0)
    found = trained.state_dict()
    assert torch.equal(found["0.running_mean"], torch.ones(3))
    assert bool((found["1.running_mean"] != 0).all())


def test_a_top_is_trained_before_the_whole(space: CellSpace) -> None:
    problem, best = make_problem(), sample(space, np.random.default_rng(0))
    network = start(space, best, problem, FinalParams(steps=25, batch_size=16))
    given = initial_state(PROBE)
    trunk = network.get_submodule("trunk.network").state_dict()
    assert all(torch.equal(tensor, given[name]) for name, tensor in trunk.items())
    fresh = space.assemble(best, seeded(space, best, 2, 0))
    moved = network.get_submodule("cell").state_dict()
    before = fresh.get_submodule("cell").state_dict()
    assert not torch.equal(moved["head.weight"], before["head.weight"])
    backbone = ModelSpace([PROBE.backbone], 32, {PROBE.backbone: given})
    probe = start(backbone, (0,), problem, FinalParams(steps=25, batch_size=16))
    kept = probe.get_submodule("backbone").state_dict()
    assert all(torch.equal(tensor, given[name]) for name, tensor in kept.items())
    untrained = backbone.assemble((0,), seeded(backbone, (0,), 2, 0)).get_submodule("head").state_dict()
    assert not torch.equal(probe.get_submodule("head").state_dict()["weight"], untrained["weight"])
