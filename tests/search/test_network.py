"""Final networks: trained, saved, rebuilt; whole models as a space."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from taskzoo.errors import InputError
from taskzoo.params import SUPERNETS, FinalParams, StrategyName
from taskzoo.probe.forms import ClassForm
from taskzoo.probe.network import initial_state
from taskzoo.probe.training import accuracy
from taskzoo.search.cells import CellSpace
from taskzoo.search.final import train_with_care
from taskzoo.search.models import ModelSpace
from taskzoo.search.network import describe_network, load_network, save_network
from taskzoo.search.problem import Problem, seeded
from taskzoo.search.space import encode, sample
from taskzoo.search.strategies import STRATEGIES
from tests.search.conftest import PROBE, make_problem

CLASSES = ("left", "right")


@pytest.fixture(scope="module")
def models() -> ModelSpace:
    return ModelSpace(["test_resnet", "test_convnext3"], 32, {"test_resnet": initial_state(PROBE)})


def trained(space: CellSpace | ModelSpace, problem: Problem, steps: int = 3) -> tuple[tuple[int, ...], nn.Module]:
    architecture = sample(space, np.random.default_rng(1))
    network = space.assemble(architecture, seeded(space, architecture, 2, 0))
    params = FinalParams(steps=steps, batch_size=16)
    return architecture, train_with_care(
        network, problem.train_images, problem.train_labels, ClassForm(2), params, seed=0
    )


@pytest.mark.parametrize("kind", ["cells", "models"])
def test_a_saved_network_gives_identical_logits(
    kind: str, space: CellSpace, models: ModelSpace, problem: Problem, tmp_path: Path
) -> None:
    chosen: CellSpace | ModelSpace = space if kind == "cells" else models
    architecture, network = trained(chosen, problem)
    spec = describe_network(chosen, architecture, PROBE, CLASSES)
    save_network(tmp_path, spec, network)
    loaded, rebuilt = load_network(tmp_path)
    assert loaded == spec
    assert not rebuilt.training
    with torch.no_grad():
        assert torch.equal(rebuilt(problem.val_images), network(problem.val_images))
    before = (tmp_path / "tuned.safetensors").read_bytes()
    save_network(tmp_path, spec, network)
    assert (tmp_path / "tuned.safetensors").read_bytes() == before


def test_final_training_moves_the_trunk_and_learns(space: CellSpace) -> None:
    problem = make_problem()
    architecture, network = trained(space, problem, steps=40)
    start = space.assemble(architecture, space.build(architecture, 2)).trunk.state_dict()
    moved = network.state_dict()
    assert any(not torch.equal(moved[f"trunk.{key}"], tensor) for key, tensor in start.items())
    assert accuracy(network, problem.val_images, problem.val_labels) > 0.9
    _, again = trained(space, problem, steps=40)
    assert all(torch.equal(tensor, again.state_dict()[key]) for key, tensor in moved.items())


def test_damage_is_named(space: CellSpace, problem: Problem, tmp_path: Path) -> None:
    architecture, network = trained(space, problem)
    spec = describe_network(space, architecture, PROBE, CLASSES)
    save_network(tmp_path, spec, network)
    save_network(tmp_path / "three", spec.model_copy(update={"classes": ("a", "b", "c")}), network)
    with pytest.raises(InputError, match=r"tuned.safetensors does not hold the weights"):
        load_network(tmp_path / "three")
    (tmp_path / "tuned.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match=r"tuned.safetensors does not hold the weights"):
        load_network(tmp_path)
    (tmp_path / "architecture.json").write_text("{}")
    with pytest.raises(InputError, match=r"architecture.json is damaged: the key"):
        load_network(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        load_network(tmp_path / "absent")


def test_a_description_cannot_name_a_remote_network(space: CellSpace, tmp_path: Path) -> None:
    spec = describe_network(space, sample(space, np.random.default_rng(0)), PROBE, CLASSES)
    remote = spec.space.model_copy(update={"backbone": "hf-hub:someone/something"})
    save_network(tmp_path, spec.model_copy(update={"space": remote}), nn.Linear(1, 1))
    with pytest.raises(InputError, match="not a timm network"):
        load_network(tmp_path)


def test_models_start_from_given_weights(models: ModelSpace) -> None:
    state = initial_state(PROBE)
    whole = models.assemble((0,), models.build((0,), 2))
    given = whole.get_submodule("backbone").state_dict()
    assert all(torch.equal(given[key], tensor) for key, tensor in state.items())
    module = models.build((1,), 2).eval()
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(models.assemble((1,), module)(images), module(models.inputs(images)))


def test_model_lists_are_checked(models: ModelSpace) -> None:
    with pytest.raises(InputError, match="test_resnet twice"):
        ModelSpace(["test_resnet", "test_resnet"], 32)
    with pytest.raises(InputError, match="no network"):
        ModelSpace([], 32)
    assert models.restrict({"model": ["test_convnext3"]}).choices[0].options == ("test_convnext3",)


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in SUPERNETS])
def test_every_strategy_without_a_supernet_runs_on_models(strategy: StrategyName, models: ModelSpace) -> None:
    trials = STRATEGIES[strategy](models, make_problem(2), 3, 0)
    assert trials == STRATEGIES[strategy](models, make_problem(2), 3, 0)
    assert {trial.strategy for trial in trials} == {strategy}
    assert all(trial.architecture["model"] in models.choices[0].options for trial in trials)


@pytest.mark.parametrize("strategy", SUPERNETS)
def test_models_have_no_supernet(strategy: StrategyName, models: ModelSpace) -> None:
    with pytest.raises(InputError, match="which ModelSpace does not have"):
        STRATEGIES[strategy](models, make_problem(2), 3, 0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_runs_on_the_same_part_of_the_cells(strategy: StrategyName, space: CellSpace) -> None:
    part = space.restrict({"level": ["level2", "level3"], "edge_0_2": ["sep3x3"], "edge_1_2": ["skip", "dil3x3"]})
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trials = STRATEGIES[strategy](part, make_problem(2), 6, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert trials == STRATEGIES[strategy](part, make_problem(2), 6, 0)
    assert {trial.strategy for trial in trials} == {strategy}
    assert 1 <= trials[-1].number <= 6
    for trial in trials:
        assert encode(part, trial.architecture)
