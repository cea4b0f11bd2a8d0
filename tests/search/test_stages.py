"""Networks of stages: all of them work, are what their names say, and can be searched by every strategy."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from taskzoo.params import SUPERNETS, StrategyName
from taskzoo.search.naswot import naswot
from taskzoo.search.problem import seeded
from taskzoo.search.space import encode, sample, size
from taskzoo.search.stages import SMALLEST_SIDE, StageSpace, halvings
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.strategies.by_score import by_score
from tests.search.conftest import make_problem

SPACE = StageSpace(32, count=2)
PLAIN = {"depth": "2", "width": "32", "group_size": "all", "kernel": "3", "block": "basic"}


def network(first: dict[str, str], second: dict[str, str]) -> nn.Module:
    """Return a network of two stages, plain but for what is given."""
    named = {
        f"stage{stage}.{kind}": option
        for stage, given in enumerate((first, {"width": "64"} | second), start=1)
        for kind, option in (PLAIN | given).items()
    }
    return SPACE.build(encode(SPACE, named), 2)


def convolutions(module: nn.Module, stage: int) -> list[nn.Conv2d]:
    """Return the convolutions of one stage's blocks, shortcuts left out."""
    named = module.get_submodule(f"network.stages.{stage - 1}").named_modules()
    return [each for name, each in named if isinstance(each, nn.Conv2d) and "shortcut" not in name]


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 64), st.integers(2, 4), st.sampled_from([16, 32]), st.integers(0, 2**31))
def test_every_network_maps_images_to_logits_and_gradients_back(
    image_size: int, count: int, width: int, seed: int
) -> None:
    space = StageSpace(image_size, count, width)
    built = space.build(sample(space, np.random.default_rng(seed)), 3)
    logits = built(space.inputs(torch.randn(2, 3, image_size, image_size)))
    assert logits.shape == (2, 3)
    logits.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in built.parameters())


@pytest.mark.parametrize(("before", "width"), product(["16", "32", "64"], ["32", "64", "128"]))
def test_grouped_edge_blocks_fit_the_stage_before(before: str, width: str) -> None:
    image = [torch.randn(1, 3, 8, 8)]
    for group_size in ("1", "4"):
        given = {"block": "edge", "width": width, "group_size": group_size}
        built = network({"depth": "1", "width": before}, given).eval()
        assert built(image).shape == (1, 2)
        first, later = (each for each in convolutions(built, 2) if each.kernel_size == (3, 3))
        assert first.groups == min(int(before), int(width) // int(group_size))
        assert later.groups == int(width) // int(group_size)


@pytest.mark.parametrize(
    ("block", "kernels", "inside"),
    [("basic", [5, 5], 32), ("bottle", [1, 5, 1], 16), ("dark", [1, 5], 16), ("edge", [5, 1], 32)],
)
def test_a_stage_is_what_its_options_say(block: str, kernels: list[int], inside: int) -> None:
    built = network({"depth": "3", "width": "32", "group_size": "4", "kernel": "5", "block": block}, {})
    found = convolutions(built, 1)
    assert [each.kernel_size[0] for each in found] == 3 * kernels
    assert found[-1].out_channels == 32
    grouped = [each for each in found if each.groups > 1]
    assert [each.groups for each in grouped] == 3 * [inside // 4]


def test_different_architectures_are_different_networks() -> None:
    blocks = ["basic", "bottle", "dark"]  # An edge block's groups are bounded by the stage before.
    space, rng = SPACE.restrict({"stage1.block": blocks, "stage2.block": blocks}), np.random.default_rng(0)
    architectures = {sample(space, rng) for _ in range(30)}
    weights = [space.build(architecture, 2).state_dict() for architecture in architectures]
    assert len({tuple((name, each.shape) for name, each in state.items()) for state in weights}) == len(architectures)
    assert size(SPACE) == (3 * 3 * 3 * 2 * 4) ** 2


@pytest.mark.parametrize(
    ("image_size", "count", "pooled", "strides", "last"),
    [
        (8, 3, False, [1, 1, 1], 4),
        (24, 3, False, [1, 2, 2], 3),
        (32, 3, False, [1, 2, 2], 4),
        (64, 3, False, [2, 2, 2], 4),
        (224, 3, True, [2, 2, 2], 7),
        (224, 4, False, [2, 2, 2, 2], 7),
    ],
)
def test_maps_are_halved_as_far_as_images_allow(
    image_size: int, count: int, pooled: bool, strides: list[int], last: int
) -> None:
    assert halvings(image_size, count) == (pooled, strides)
    space = StageSpace(image_size, count)
    built = space.build((0,) * len(space.choices), 2).network
    stem, stages = built.get_submodule("stem"), built.get_submodule("stages")
    assert stages(stem(torch.randn(1, 3, image_size, image_size))).shape[2:] == (last, last)
    assert last >= SMALLEST_SIDE


def test_units_are_rectified_and_branches_begin_alive() -> None:
    for block in ("basic", "bottle", "dark", "edge"):
        built = network({"block": block}, {"block": block})
        assert any(isinstance(each, nn.ReLU) for each in built.modules())
        scales = [each.weight for each in built.modules() if isinstance(each, nn.BatchNorm2d)]
        assert all((scale == 1).all() for scale in scales)


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - set(SUPERNETS)))
def test_every_strategy_that_needs_no_supernet_runs_on_stages(strategy: StrategyName) -> None:
    small = SPACE.restrict({"stage1.depth": ["1"], "stage2.depth": ["1"], "stage1.width": ["16"]})
    trials = STRATEGIES[strategy](small, make_problem(1), 3, 0)
    assert trials == STRATEGIES[strategy](small, make_problem(1), 3, 0)
    assert {trial.strategy for trial in trials} == {strategy}
    assert all(trial.architecture["stage1.width"] == "16" for trial in trials)


def test_scores_are_normalised_where_sizes_differ() -> None:
    keep = {choice.name: [PLAIN[choice.name.split(".")[1]]] for choice in SPACE.choices if "width" not in choice.name}
    widths = SPACE.restrict({**keep, "stage1.depth": ["1"], "stage2.depth": ["1"]})
    problem = make_problem()
    images = problem.inputs(widths).train
    architectures = by_score(widths, problem, size(widths), seed=0)
    assert len(set(architectures)) == size(widths) == 9
    plain, normalised = (
        [naswot(seeded(widths, each, 2, 0), images, normalised=form) for each in architectures]
        for form in (False, True)
    )
    assert normalised == pytest.approx(sorted(normalised, reverse=True))
    assert plain != sorted(plain, reverse=True)
