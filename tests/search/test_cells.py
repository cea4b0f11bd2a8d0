"""The cell space on real timm trunks."""

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.params import ProbeParams
from taskzoo.probe.network import State, create_backbone, initial_state
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.operations import OPERATIONS
from taskzoo.search.space import encode, sample, size
from taskzoo.search.trunk import LARGEST_SIDE, Trunk, load_trunk, usable_levels

BACKBONES = ["test_resnet", "test_efficientnet", "test_convnext3"]


def odd_state(name: str) -> State:
    """A state in which every tensor, buffers too, differs from what any initialisation gives."""
    generator = torch.Generator().manual_seed(7)
    state = initial_state(ProbeParams(backbone=name, image_size=32))
    return {
        key: tensor + 0.05 * torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor + 3
        for key, tensor in state.items()
    }


def published_maps(name: str, state: State, images: Tensor) -> list[Tensor]:
    """The maps of timm's own features_only network, its renamed weights filled by hand."""
    network = timm.create_model(name, features_only=True, pretrained=False).eval()
    filled = {key: state[key.replace("stages_", "stages.").replace("stem_", "stem.")] for key in network.state_dict()}
    network.load_state_dict(filled)
    with torch.no_grad():
        maps: list[Tensor] = network(images)
    return maps


@pytest.mark.parametrize("name", BACKBONES)
def test_the_trunk_computes_with_the_given_weights(name: str) -> None:
    state = odd_state(name)
    space = CellSpace(name, state, 32, nodes=2, width=4)
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = published_maps(name, state, images)
    for option, maps in zip(space.choices[0].options, space.inputs(images), strict=True):
        whole = expected[int(option.removeprefix("level"))]
        side = min(LARGEST_SIDE, whole.shape[2])
        torch.testing.assert_close(maps, functional.adaptive_avg_pool2d(whole, side))
        assert not maps.requires_grad


@pytest.mark.parametrize("name", BACKBONES)
def test_every_tensor_of_an_assembled_trunk_is_the_given_one(name: str) -> None:
    state = odd_state(name)
    space = CellSpace(name, state, 32, nodes=2, width=4)
    architecture = (len(space.choices[0].options) - 1, 0)
    trunk = space.assemble(architecture, space.build(architecture, 2)).trunk.network.state_dict()
    assert trunk
    for key, tensor in trunk.items():
        assert torch.equal(tensor, state[key]), key


@pytest.mark.parametrize("name", BACKBONES)
def test_assembled_equals_built_on_cached_features(name: str) -> None:
    space = CellSpace(name, odd_state(name), 32, nodes=3, width=8)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    inputs = space.inputs(images)
    rng = np.random.default_rng(0)
    for level in range(len(space.choices[0].options)):
        architecture = (level, *sample(space, rng)[1:])
        module = space.build(architecture, 5).eval()
        whole = space.assemble(architecture, module)
        torch.testing.assert_close(whole(images), module(inputs))
        assert all(weight.requires_grad for weight in whole.parameters())


def test_assembling_copies(space: CellSpace) -> None:
    architecture = sample(space, np.random.default_rng(0))
    module = space.build(architecture, 2)
    whole = space.assemble(architecture, module)
    nn.init.zeros_(whole.cell.head.weight)
    nn.init.zeros_(next(whole.trunk.parameters()))
    again = space.assemble(architecture, module)
    assert again.cell.head.weight.any()
    assert next(again.trunk.parameters()).any()


def test_a_state_that_leaves_a_tensor_unfilled_is_refused() -> None:
    state = odd_state("test_resnet")
    trunk = Trunk("test_resnet", 32, (1,))
    missing = dict(state)
    del missing["bn1.running_mean"]
    with pytest.raises(InputError, match=r"bn1\.running_mean it has nothing"):
        load_trunk(trunk, missing, "test_resnet")
    with pytest.raises(InputError, match="does not fill the trunk"):
        CellSpace("test_resnet", odd_state("test_efficientnet"), 32, nodes=2, width=4)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("side", [2, 5])
def test_operations_keep_the_shape_and_let_the_image_through(operation: str, side: int) -> None:
    torch.manual_seed(0)
    module = OPERATIONS[operation](6)
    maps = torch.randn(4, 6, side, side, requires_grad=True)
    out = module(maps)
    assert out.shape == maps.shape
    out.square().sum().backward()
    assert maps.grad is not None
    assert maps.grad.any()


def test_levels_are_at_least_two_pixels_wide() -> None:
    assert usable_levels("test_resnet", 32) == (0, 1, 2, 3)  # sides 16, 8, 4, 2, and 1 left out
    assert usable_levels("test_convnext3", 32) == (0, 1, 2)  # sides 8, 4, 2, and 1 left out
    assert usable_levels("test_vit", 32) == (2, 3, 4, 5)  # six blocks of side 2: the deepest four
    with pytest.raises(InputError, match="smaller than"):
        usable_levels("test_vit", 16)


def test_restricted_levels_give_only_their_maps(space: CellSpace) -> None:
    narrowed = space.restrict({"level": ["level2", "level1"], "edge_0_1": ["skip"]})
    images = torch.randn(2, 3, 32, 32)
    maps = narrowed.inputs(images)
    whole = space.inputs(images)
    assert [each.shape for each in maps] == [whole[1].shape, whole[2].shape]
    torch.testing.assert_close(maps, whole[1:3])
    assert size(space) == 4 * 7**3
    assert size(narrowed) == 2 * 7**2
    assert space.choices[0].options == ("level0", "level1", "level2", "level3")


def test_building_depends_on_torchs_seed_alone(space: CellSpace) -> None:
    architecture = encode(space, {"level": "level1", "edge_0_1": "sep3x3", "edge_0_2": "skip", "edge_1_2": "dil3x3"})
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(space.build(architecture, 3).cell.head.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_size_and_operations_by_hand(space: CellSpace) -> None:
    architecture = encode(space, {"level": "level0", "edge_0_1": "skip", "edge_0_2": "skip", "edge_1_2": "sep3x3"})
    whole = space.assemble(architecture, space.build(architecture, 2))
    entry = 32 * 8 + 2 * 8
    separable = 9 * 8 + 8 * 8 + 2 * 8
    head = 2 * 8 * 2 + 2
    assert count_parameters(whole.cell) == entry + separable + head
    pixels = LARGEST_SIDE**2
    cell = pixels * (32 * 8 + 9 * 8 + 8 * 8) + 2 * 8 * 2
    image = torch.zeros(1, 3, 32, 32)
    assert count_macs(whole, image) == count_macs(whole.trunk, image) + cell
    stem = create_backbone("test_resnet", 32).get_submodule("conv1")
    assert count_macs(whole.trunk, image) == count_macs(stem, image) > 0


def test_cells_are_of_equal_size_on_one_level_only(space: CellSpace) -> None:
    assert not space.equal_sizes
    assert space.restrict({"level": ["level2"]}).equal_sizes
