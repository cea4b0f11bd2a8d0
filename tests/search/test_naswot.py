"""NASWOT's score against counting, and the strategies that it leads."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from taskzoo.errors import InputError
from taskzoo.search.models import ModelSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.naswot import naswot
from taskzoo.search.space import sample
from taskzoo.search.strategies.by_score import InOrder, by_score
from tests.search.conftest import make_problem

IMAGES = torch.randn(6, 3, 8, 8)


def network(inplace: bool = False) -> nn.Sequential:
    """Return a small network with two rectified layers and batch normalisation."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=inplace),
        nn.Flatten(),
        nn.Linear(144, 5),
        nn.ReLU(inplace=inplace),
    )


def counted(model: nn.Sequential) -> tuple[np.ndarray, int]:
    """Return how many units agree on each two images, by comparing them one by one, and how many units there are."""
    model.train()
    with torch.no_grad():
        first = model[:2](IMAGES)
        second = model[4](first.relu().flatten(1))
    codes = (torch.cat([first.flatten(1), second], 1) > 0).numpy()
    return np.array([[np.sum(a == b) for b in codes] for a in codes], dtype=np.float64), codes.shape[1]


@pytest.mark.parametrize("inplace", [False, True])
def test_the_score_is_that_of_counted_agreements(inplace: bool) -> None:
    kernel, units = counted(network())
    wanted = float(np.linalg.slogdet(kernel)[1])
    assert naswot(network(inplace), IMAGES) == pytest.approx(wanted, rel=1e-12)
    assert naswot(network(inplace), IMAGES, normalised=True) == pytest.approx(
        float(np.linalg.slogdet(kernel / units)[1]), rel=1e-9
    )


def test_the_order_of_the_images_does_not_matter() -> None:
    assert naswot(network(), IMAGES) == pytest.approx(naswot(network(), IMAGES.flip(0)), rel=1e-10)


def test_units_that_tell_nothing_apart_score_least() -> None:
    assert naswot(network(), IMAGES[:1].expand(6, -1, -1, -1)) == -math.inf


class Doubled(nn.Module):
    """Has every unit twice."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.act, self.times = nn.ReLU(), times

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the rectified pixels, repeated."""
        out: torch.Tensor = self.act(images.repeat(1, self.times, 1, 1))
        return out


def test_more_of_the_same_units_count_in_the_plain_score_only() -> None:
    once, twice = (naswot(Doubled(times), IMAGES) for times in (1, 2))
    assert twice - once == pytest.approx(len(IMAGES) * math.log(2))
    once, twice = (naswot(Doubled(times), IMAGES, normalised=True) for times in (1, 2))
    assert twice == pytest.approx(once)


def test_the_network_comes_back_as_it_was() -> None:
    model = network()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    naswot(model, IMAGES)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_network_without_activations_is_refused() -> None:
    with pytest.raises(InputError, match="has none of the modules ReLU"):
        naswot(nn.Linear(3, 2), torch.randn(4, 3))


def test_random_architectures_come_in_the_order_of_their_score() -> None:
    space, problem = NASBench201Space(width=4, cells=1), make_problem()
    ordered = by_score(space, problem, 12, seed=0)
    assert len(set(ordered)) == 12
    assert ordered == by_score(space, problem, 12, seed=0)
    rng = np.random.default_rng([0, 12])
    chosen = rng.permutation(len(problem.train_labels))
    scores = []
    for architecture in ordered:
        torch.manual_seed(0)
        scores.append(naswot(space.build(architecture, 2), [problem.train_images[chosen]]))
    assert scores == sorted(scores, reverse=True)


def test_a_list_is_proposed_in_order_and_then_at_random() -> None:
    space = ModelSpace(["test_resnet", "test_efficientnet", "test_byobnet"], 32)
    proposer, rng = InOrder([(2,), (0,)]), np.random.default_rng(0)
    assert proposer.propose(space, [], rng) == (2,)
    assert proposer.propose(space, [((2,), 0.5)], rng) == (0,)
    assert proposer.propose(space, [((2,), 0.5), ((0,), 0.1)], rng) == (1,)
    assert sample(space, rng) in {(0,), (1,), (2,)}
