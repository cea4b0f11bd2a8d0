"""Decoders for dense targets: the space, its search, and the finalists."""

from pathlib import Path

import numpy as np
import pytest
import torch

from taskzoo.params import FinalParams, SearchParams, StrategyName
from taskzoo.probe.dense_forms import PixelForm
from taskzoo.probe.forms import form_of, record_of
from taskzoo.probe.network import initial_state
from taskzoo.search.costs.counting import count_macs
from taskzoo.search.decoders import DecoderSpace
from taskzoo.search.finalists import train_finalists
from taskzoo.search.network import describe_network, load_network, save_network
from taskzoo.search.option_costs import option_shares
from taskzoo.search.space import Architecture, sample, size
from taskzoo.search.spaces import make_space_for
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.strategies.snas import Relaxation, Relaxed, concrete, expected, train_relaxed
from taskzoo.search.supernet import one_hot
from taskzoo.search.tuning import make_problem, write_search
from tests.fisher.test_dense import CLASSES, NUMBERS, PROBE, SIDE, dense_task

STATE = initial_state(PROBE)
SEARCH = SearchParams(steps=6, batch_size=8, elites=2, final=FinalParams(steps=6, batch_size=8))


@pytest.fixture(scope="module")
def space() -> DecoderSpace:
    """Make a space of narrow decoders."""
    return DecoderSpace(PROBE.backbone, STATE, SIDE, width=8)


def test_every_option_predicts_every_pixel_and_works_on_its_trunk_as_on_its_maps(space: DecoderSpace) -> None:
    images = torch.randn(2, 3, SIDE, SIDE)
    maps = space.inputs(images)
    most = max(len(choice.options) for choice in space.choices)
    for option in range(most):
        architecture = tuple(min(option, len(choice.options) - 1) for choice in space.choices)
        module = space.build(architecture, 3).eval()
        found = module(maps)
        assert found.shape == (2, 3, SIDE, SIDE)
        assert torch.allclose(space.assemble(architecture, module)(images), found, atol=1e-5)


def test_finer_maps_than_the_finest_have_no_say(space: DecoderSpace) -> None:
    maps = space.inputs(torch.randn(1, 3, SIDE, SIDE))
    module = space.build((2, *[0] * (len(space.choices) - 1)), 1).eval()
    other = [torch.randn_like(each) if level < 2 else each for level, each in enumerate(maps)]
    assert torch.equal(module(maps), module(other))
    assert not torch.equal(module(maps), module([torch.randn_like(each) for each in maps]))


def test_a_restricted_space_has_only_what_is_kept(space: DecoderSpace) -> None:
    part = space.restrict({"up": ["transposed"], "level_0": ["skip", "sep3x3"]})
    assert size(part) * 2 * 7 == size(space) * 2
    names = {module.__class__.__name__ for module in part.build((0,) * len(part.choices), 1).modules()}
    assert "Transposed" in names
    assert "Bilinear" not in names


@pytest.mark.parametrize("strategy", ["random", "evolution", "tpe", "fuse", "naswot", "snas", "one_shot", "en2as"])
def test_strategies_search_decoders(space: DecoderSpace, strategy: StrategyName) -> None:
    problem = make_problem(dense_task(NUMBERS), SEARCH, PROBE)
    trials = STRATEGIES[strategy](space, problem, 3, 0)
    assert 0 < len(trials) <= 3
    assert all(0 <= trial.accuracy <= 1 for trial in trials)


@pytest.mark.parametrize("name", [NUMBERS, CLASSES])
def test_finalists_of_a_dense_target_are_saved_and_rebuilt(space: DecoderSpace, name: str, tmp_path: Path) -> None:
    task = dense_task(name)
    problem = make_problem(task, SEARCH, PROBE)
    best, other = sample(space, np.random.default_rng(0)), sample(space, np.random.default_rng(1))
    finalists = train_finalists(space, best, other, PROBE.backbone, STATE, problem, SEARCH.final)
    assert {each.name for each in finalists} == {
        "searched",
        "searched_plain",
        "searched_frozen",
        "inherited",
        "inherited_frozen",
        "backbone",
    }
    images, _ = problem.form.tensors(task.test, PROBE)
    for each in finalists:
        spec = describe_network(each.space, each.architecture, PROBE, (), each.name, record_of(problem.form))
        save_network(tmp_path, spec, each.network)
        read, network = load_network(tmp_path)
        assert read == spec
        assert torch.allclose(network(images), each.network(images), atol=1e-5)


def test_a_dense_search_is_written_with_what_its_outputs_mean(tmp_path: Path) -> None:
    task = dense_task(NUMBERS)
    form = form_of(task)
    assert isinstance(form, PixelForm)
    whole = make_space_for(form, SEARCH, PROBE, STATE)
    assert isinstance(whole, DecoderSpace)
    trials = STRATEGIES["random"](whole, make_problem(task, SEARCH, PROBE), 2, 0)
    metrics = write_search(tmp_path / "search", task, whole, STATE, {"full": {}}, trials, SEARCH, PROBE)
    spec, _ = load_network(tmp_path / "search")
    assert spec.pixels is not None
    assert spec.pixels.form().domain.name == NUMBERS
    assert spec.pixels.form().centre.tolist() == pytest.approx(form.centre.tolist())
    assert metrics["tuned_test_accuracy"] <= 1


def test_a_mixed_reward_prices_decoders_by_the_maps_they_use(space: DecoderSpace) -> None:
    problem = make_problem(dense_task(NUMBERS), SEARCH, PROBE)
    costs = [each.double() for each in option_shares(space, problem, "macs", 1.0)]
    rng = np.random.default_rng(0)
    base = counted(space, (0,) * len(space.choices))
    for _ in range(5):
        architecture = sample(space, rng)
        gates = [each.double() for each in one_hot(space.choices, architecture)]
        assert expected(gates, costs).item() == counted(space, architecture) - base


def counted(space: DecoderSpace, architecture: Architecture) -> int:
    """Return the multiply-accumulates of a whole network."""
    whole = space.assemble(architecture, space.build(architecture, 3))
    return count_macs(whole, torch.zeros(1, 3, SIDE, SIDE))


@pytest.mark.parametrize("relaxation", [concrete, lambda logits, _: logits.softmax(0)])
def test_a_supernet_of_decoders_learns_with_all_gates_open(space: DecoderSpace, relaxation: Relaxation) -> None:
    problem = make_problem(dense_task(NUMBERS), SEARCH, PROBE)
    relaxed = Relaxed(space, problem.form.outputs, 0)
    train_relaxed(relaxed, space, problem, 200, 0, relaxation=relaxation)
    gates = one_hot(space.choices, relaxed.likeliest())
    outputs = relaxed.supernet.eval()(problem.inputs(space).val, gates)
    blank = problem.form.likelihood.negative_log(torch.zeros_like(outputs), problem.val_labels).mean()
    assert problem.form.likelihood.negative_log(outputs, problem.val_labels).mean() < 0.9 * blank
