"""SNAS, pinned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.params import CostName
from taskzoo.probe.forms import ClassForm
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.option_costs import option_shares
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.rewards import Mixed
from taskzoo.search.space import Architecture, Choice, ImageSpace, OnImages, SearchSpace, decode, encode
from taskzoo.search.strategies.snas import (
    COLD,
    HOT,
    Relaxed,
    concrete,
    expected,
    snas_search,
    temperature,
    train_relaxed,
)
from taskzoo.search.supernet import Gated, Supernet, one_hot
from taskzoo.search.supernet_training import SMALLEST_TRAINING
from tests.search.conftest import make_problem

LOGITS = torch.tensor([0.5, -1.0, 1.5, 0.0])


def samples(temperature: float, count: int) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.stack([concrete(LOGITS, temperature) for _ in range(count)])


@pytest.mark.parametrize("temperature", [1.0, 0.1, COLD])
def test_gates_sum_to_one_and_their_largest_is_drawn_by_the_softmax(temperature: float) -> None:
    drawn = samples(temperature, 4000)
    torch.testing.assert_close(drawn.sum(1), torch.ones(len(drawn)))
    shares = functional.one_hot(drawn.argmax(1), 4).double().mean(0).float()
    torch.testing.assert_close(shares, LOGITS.softmax(0), atol=0.03, rtol=0)


def test_cold_gates_are_nearly_one_hot() -> None:
    cold, hot = samples(COLD, 2000), samples(HOT, 2000)
    assert (cold.max(1).values > 0.99).float().mean() > 0.9
    assert (hot.max(1).values > 0.99).float().mean() < 0.05
    assert (cold == 0).sum() > 3000  # Not computed at all.


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_the_temperature_falls_over_the_steps_there_are(steps: int) -> None:
    course = [temperature(step, steps) for step in range(steps)]
    assert course[0] == HOT
    assert course == sorted(course, reverse=True)
    if steps > 1:
        assert course[-1] == pytest.approx(COLD)


def test_the_gradient_of_the_expected_cost_is_exact() -> None:
    logits = [LOGITS.double().requires_grad_(), torch.tensor([0.2, 0.3], dtype=torch.float64, requires_grad=True)]
    costs = [
        torch.tensor([1.0, 4.0, 2.0, 8.0]),
        torch.tensor([[0.0, 3.0], [0.0, 1.0], [0.0, -2.0], [0.0, 0.0]]),
    ]

    def cost() -> Tensor:
        return expected([each.softmax(0) for each in logits], costs)

    first, second = (each.detach().softmax(0) for each in logits)
    every = [(one, two) for one in range(4) for two in range(2)]
    wanted = sum(float(first[one] * second[two] * (costs[0][one] + costs[1][one, two])) for one, two in every)
    assert cost().item() == pytest.approx(wanted)
    for each in logits:
        (found,) = torch.autograd.grad(cost(), each)
        for place in range(len(each)):
            difference = moved(each, place, 1e-5, cost) - moved(each, place, -1e-5, cost)
            assert difference / 2e-5 == pytest.approx(found[place].item(), rel=1e-5, abs=1e-9)
    assert expected([LOGITS], []).item() == 0


def moved(logits: Tensor, place: int, step: float, cost: Callable[[], Tensor]) -> float:
    """Return the cost with one logit moved."""
    with torch.no_grad():
        logits[place] += step
        value = cost().item()
        logits[place] -= step
    return value


class Says(nn.Module):
    """Says the class that a column of its input names, whatever it is trained to; has so many weights."""

    def __init__(self, column: int, size: int) -> None:
        super().__init__()
        self.column = column
        self.weights = nn.Parameter(torch.zeros(size))

    def forward(self, rows: Tensor) -> Tensor:
        return 4 * functional.one_hot(rows[:, self.column].long(), 2) + 0 * self.weights.sum()


class Columns(ImageSpace):
    """One decision: which column of the input to say. A column costs ten times the one before."""

    choices: tuple[Choice, ...] = (Choice("column", ("first", "second", "third")),)

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        return OnImages(Says(architecture[0], 10 ** architecture[0]))

    def supernet(self, classes: int) -> Supernet:
        return Supernet(Gated("column", [self.build((column,), 2) for column in range(3)]), self.choices)

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        raise NotImplementedError


LABELS = torch.arange(60) % 2


def rows(*right: float) -> Tensor:
    """Return columns that are right for such shares of the images."""
    return torch.stack([torch.where(torch.arange(60) < 60 * each, LABELS, 1 - LABELS) for each in right], 1).float()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("place", range(3))
def test_the_option_that_is_right_is_found(place: int, seed: int) -> None:
    images = rows(*(1.0 if column == place else 0.5 for column in range(3)))
    problem = Problem(images, LABELS, images, LABELS, form=ClassForm(2), recipe=Recipe(60, 20, 1e-3))
    (trial,) = snas_search(Columns(), problem, trials=50, seed=seed)
    assert trial.architecture == {"column": Columns.choices[0].options[place]}
    assert trial.accuracy == 1
    assert trial.number == 3  # No more trainings than there are networks.


@pytest.mark.parametrize(("weight", "chosen"), [(1.0, 2), (0.5, 1), (0.0, 0)])
def test_a_higher_price_gives_a_smaller_network(weight: float, chosen: int) -> None:
    images = rows(0.5, 0.9, 1.0)
    reward = Mixed("parameters", reference=100, weight=weight)
    problem = Problem(images, LABELS, images, LABELS, form=ClassForm(2), recipe=Recipe(60, 20, 1e-3), reward=reward)
    relaxed = Relaxed(Columns(), 2, 0)
    train_relaxed(relaxed, Columns(), problem, 60, 0)
    assert relaxed.likeliest() == (chosen,)


def test_costs_of_options_are_those_of_networks(space: CellSpace) -> None:
    cells = NASBench201Space(width=4, cells=1)
    problem = make_problem()
    architecture = (3, 1, 4, 2, 0, 3)
    first, whole = cells.costs((0,) * 6, 2, 32)[1], cells.costs(architecture, 2, 32)[1]
    assert priced(cells, problem, architecture, "macs") == pytest.approx((whole - first) / 1e6)
    for cost in ("parameters", "macs"):
        for chosen in [(3, 1, 6, 2), (1, 0, 3, 5), (0, 0, 0, 0)]:
            costs = [counted(space, problem, each, cost) for each in (chosen, (0,) * 4)]
            assert priced(space, problem, chosen, cost) == pytest.approx((costs[0] - costs[1]) / 1e6)


def priced(space: SearchSpace, problem: Problem, architecture: Architecture, cost: CostName) -> float:
    """Return what an architecture costs by its options."""
    gates = [share.double() for share in one_hot(space.choices, architecture)]
    costs = [each.double() for each in option_shares(space, problem, cost, 1e6)]
    return expected(gates, costs).item()


def counted(space: SearchSpace, problem: Problem, architecture: Architecture, cost: str) -> int:
    """Return what an architecture costs as a whole network."""
    network = space.assemble(architecture, space.build(architecture, problem.form.outputs))
    return count_parameters(network) if cost == "parameters" else count_macs(network, problem.val_images[:1])


class Product(Columns):
    """Two decisions whose costs are multiplied."""

    choices = (Choice("column", ("first",)), *(Choice(name, ("one", "ten")) for name in ("width", "depth")))

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        return OnImages(Says(0, 10 ** (architecture[1] + architecture[2])))


def test_costs_that_are_no_sum_are_refused() -> None:
    images = rows(1.0)
    problem = Problem(images, LABELS, images, LABELS, form=ClassForm(2), recipe=Recipe(1, 20, 1e-3))
    with pytest.raises(ValueError, match="the parameters of Product's networks are not a sum"):
        option_shares(Product(), problem, "parameters", 1.0)
    with pytest.raises(InputError, match=r"mixes in latency; snas expects a cost that is a sum"):
        option_shares(Columns(), problem, "latency", 1.0)


def test_the_architecture_is_in_the_state(space: CellSpace) -> None:
    names = [name for name in Relaxed(space, 2, 0).state_dict() if name.startswith("logits")]
    assert names == [f"logits.{place}" for place in range(len(space.choices))]


def test_a_search_goes_on_from_the_best_known(space: CellSpace) -> None:
    shared: dict[str, Any] = {"strategy": "x", "arm": "full", "seed": 0, "parameters": 1, "macs": 1}
    known = [
        Trial(number=number, architecture=decode(space, each), accuracy=value, reward=value, **shared)
        for number, each, value in ((1, (1, 0, 0, 0), 0.4), (2, (2, 4, 0, 5), 0.9))
    ]
    assert snas_search(space, make_problem(), SMALLEST_TRAINING - 1, 0, known=known) == []
    favourite = encode(space, known[1].architecture)
    begun = Relaxed(space, 2, 0, favourite)
    for share, index in zip(begun.shares(), favourite, strict=True):
        assert share[index].item() == pytest.approx(0.5, abs=0.02)
    problem = make_problem(1)  # A supernet of no step at all.
    (trial,) = snas_search(space, problem, SMALLEST_TRAINING, 0, known=known)
    assert trial.architecture == known[1].architecture
