"""FUSE, pinned."""

from collections.abc import Mapping, Sequence
from typing import Self

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.probe.forms import ClassForm
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.journal import Journal
from taskzoo.search.mixture import Mixture
from taskzoo.search.problem import Inputs, Problem
from taskzoo.search.results import measure
from taskzoo.search.space import Choice
from taskzoo.search.strategies.fuse import (
    ALPHA_STEPS,
    CANDIDATES,
    PATIENCE,
    TURN,
    alternate,
    candidate_logits,
    fuse_search,
    move_alpha,
    round_size,
    step_weights,
)
from tests.search.conftest import make_problem


class Fixed(nn.Module):
    """Says the class that column ``column`` of its input names, whatever it is trained to."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column
        self.scale = nn.Parameter(torch.tensor(4.0))

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return self.scale * functional.one_hot(inputs[0][:, self.column].long(), 2).float()


class Learner(nn.Module):
    """Has weights, batch normalisation and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 2))

    def forward(self, inputs: list[Tensor]) -> Tensor:
        logits: Tensor = self.layers(inputs[0])
        return logits


def test_the_mixture_by_hand() -> None:
    mixture = Mixture([Fixed(0), Fixed(1)])
    with torch.no_grad():
        mixture.alpha.copy_(torch.tensor([3.0, 1.0]).log())  # shares 3/4 and 1/4
    logits = mixture([torch.tensor([[0.0, 1.0]])])
    torch.testing.assert_close(logits, torch.tensor([[0.75 * 4, 0.25 * 4]]))


def test_the_coefficient_of_a_perfect_candidate_grows() -> None:
    labels = torch.arange(20) % 2
    columns = torch.stack([1 - labels, labels, torch.zeros(20)], 1).float()  # wrong, right, constant
    mixture = Mixture([Fixed(0), Fixed(1), Fixed(2)])
    optimiser = torch.optim.Adam([mixture.alpha], lr=0.1)
    before = mixture.shares
    move_alpha(mixture, candidate_logits(mixture, [columns]), labels, optimiser)
    assert mixture.shares[1] > before[1] + 0.1
    assert mixture.shares[0] < before[0]
    assert mixture.shares[2] < before[2]


def test_the_alpha_step_leaves_weights_and_buffers_bit_identical() -> None:
    torch.manual_seed(0)
    mixture = Mixture([Learner(), Learner()]).train()
    inputs = [torch.randn(30, 2)]
    labels = torch.arange(30) % 2
    step_weights(mixture, inputs, labels, torch.arange(30), torch.optim.SGD(mixture.candidates.parameters(), 0.1))
    before = {name: tensor.clone() for name, tensor in mixture.candidates.state_dict().items()}
    gradients = [None if w.grad is None else w.grad.clone() for w in mixture.candidates.parameters()]
    alpha = mixture.alpha.detach().clone()
    move_alpha(mixture, candidate_logits(mixture, inputs), labels, torch.optim.Adam([mixture.alpha], 0.1))
    assert not torch.equal(alpha, mixture.alpha)
    for name, tensor in mixture.candidates.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    for weight, gradient in zip(mixture.candidates.parameters(), gradients, strict=True):
        assert gradient is not None
        assert weight.grad is not None
        assert torch.equal(weight.grad, gradient)


def test_the_weight_step_leaves_alpha_and_moves_every_candidate() -> None:
    torch.manual_seed(0)
    mixture = Mixture([Learner(), Learner()])
    before = [weight.detach().clone() for weight in mixture.candidates.parameters()]
    alpha = mixture.alpha.detach().clone()
    optimiser = torch.optim.SGD(mixture.candidates.parameters(), 0.1)
    step_weights(mixture, [torch.randn(16, 2)], torch.arange(16) % 2, torch.arange(16), optimiser)
    assert torch.equal(alpha, mixture.alpha)
    assert mixture.alpha.grad is None
    moved = [not torch.equal(a, b) for a, b in zip(before, mixture.candidates.parameters(), strict=True)]
    assert moved[-1]
    assert moved[len(moved) // 2 - 1]


def test_alpha_follows_validation_against_training() -> None:
    labels = torch.arange(24) % 2
    says_train = torch.stack([labels, 1 - labels], 1).float()  # column 0 is right on train
    says_val = torch.stack([1 - labels, labels], 1).float()  # column 1 is right on val
    mixture = Mixture([Fixed(0), Fixed(1)])
    alternate(mixture, Inputs([says_train], [says_val]), labels, labels, Recipe(20, 8, 1e-3), seed=0)
    assert mixture.shares[1] > 0.8


def test_alpha_does_not_depend_on_training_labels() -> None:
    labels = torch.arange(24) % 2
    columns = torch.stack([labels, 1 - labels], 1).float()
    shares = []
    for train_labels in (labels, 1 - labels):
        mixture = Mixture([Fixed(0), Fixed(1)])
        mixture.candidates.requires_grad_(True)
        recipe = Recipe(10, 8, 0.0)  # weights stand still, so that only alpha could see the labels
        alternate(mixture, Inputs([columns], [columns]), train_labels, labels, recipe, seed=0)
        shares.append(mixture.shares)
    assert torch.equal(shares[0], shares[1])


def test_alpha_stops_where_it_stands_still() -> None:
    labels = torch.arange(20) % 2
    columns = torch.stack([labels, labels], 1).float()  # equal candidates: no gradient on alpha
    mixture = Mixture([Fixed(0), Fixed(1)])
    optimiser = torch.optim.Adam([mixture.alpha], 0.1)
    move_alpha(mixture, candidate_logits(mixture, [columns]), labels, optimiser)
    (state,) = optimiser.state.values()
    assert int(state["step"]) == 1 < ALPHA_STEPS
    taken: list[bool] = []
    mixture.candidates[0].register_forward_hook(lambda module, given, out: taken.append(module.training))
    alternate(mixture, Inputs([columns], [columns]), labels, labels, Recipe(200, 8, 1e-9), seed=0)
    assert sum(taken) == TURN


@pytest.mark.parametrize("trials", range(2, 20))
def test_rounds_spend_the_whole_budget(trials: int) -> None:
    left = trials
    while left > 1:
        count = round_size(left)
        assert 1 <= count <= CANDIDATES + 2
        left -= count + 1
    assert left == 0


def test_the_budget_is_kept_and_told(space: CellSpace) -> None:
    told: list[int] = []
    trials = fuse_search(space, make_problem(), trials=8, seed=0, journal=Journal(told.append))
    assert sum(told) <= 8
    assert trials[0].number == 4  # three in the round, then the winner alone
    assert trials[-1].number <= 8
    assert len({tuple(trial.architecture.values()) for trial in trials}) == len(trials)


def test_equal_seeds_give_equal_searches(space: CellSpace) -> None:
    first, second = (fuse_search(space, make_problem(), trials=8, seed=3) for _ in range(2))
    assert first == second


def test_an_exhausted_or_settled_search_ends(space: CellSpace, problem: Problem) -> None:
    keep = {name.name: [name.options[0]] for name in space.choices[1:]}
    two = space.restrict({**keep, "level": ["level2", "level3"]})
    trials = fuse_search(two, problem, trials=1000, seed=0)
    assert len(trials) == 1
    assert trials[0].number == 3
    one = space.restrict({**keep, "level": ["level2"]})
    assert [trial.number for trial in fuse_search(one, problem, trials=1000, seed=0)] == [1]


class Ladder:
    """Option k, of fifty, is right on the first 2 (k + 1) of a hundred images: the higher the better."""

    choices = (Choice("rung", tuple(str(rung) for rung in range(50))),)
    equal_sizes = True

    def inputs(self, images: Tensor) -> list[Tensor]:
        return [images]

    def build(self, architecture: tuple[int, ...], classes: int) -> nn.Module:
        return Fixed(architecture[0])

    def assemble(self, architecture: tuple[int, ...], module: nn.Module) -> nn.Module:
        return OnRows(module)

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        raise NotImplementedError


class OnRows(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.module([images])
        return logits


def ladder_problem() -> Problem:
    """Return the hundred images."""
    labels = torch.arange(100) % 2
    right = torch.arange(100)[:, None] < 2 * (torch.arange(50) + 1)
    rows = torch.where(right, labels[:, None], 1 - labels[:, None]).float()
    return Problem(rows, labels, rows, labels, form=ClassForm(2), recipe=Recipe(5, 50, 1e-9))


def test_the_first_incumbent_is_the_earlier_trial_of_the_best_reward() -> None:
    trial = measure("fuse", Ladder(), ladder_problem(), (0,), seed=0, number=1)
    known = [
        trial.model_copy(update={"accuracy": 1.0, "reward": -0.2}),
        trial.model_copy(update={"architecture": {"rung": "49"}, "accuracy": 0.1, "reward": -0.1}),
    ]
    trials = fuse_search(Ladder(), ladder_problem(), trials=8, seed=0, known=known)
    assert [each.architecture["rung"] for each in trials] == ["49"]  # Nothing beats it.


@pytest.mark.parametrize("seed", range(3))
def test_the_search_climbs_and_ends_when_an_incumbent_survives(seed: int) -> None:
    spent: list[int] = []
    trials = fuse_search(Ladder(), ladder_problem(), trials=1000, seed=seed, journal=Journal(spent.append))
    rungs = [int(trial.architecture["rung"]) for trial in trials]
    assert rungs == sorted(set(rungs))  # each round keeps the best of its three
    assert spent[-PATIENCE:] == [CANDIDATES] * PATIENCE  # survived: nothing new to train alone
    assert CANDIDATES + 1 in spent
    drawn = 1 + (CANDIDATES - 1) * len(spent)
    assert drawn < 50  # it settled before the space was exhausted
