"""Supernets: one network that is every network of a space."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.probe.network import initial_state
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs.counting import count_parameters
from taskzoo.search.decoders import DecoderSpace
from taskzoo.search.models import ModelSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.space import Architecture, Choice, sample
from taskzoo.search.supernet import Gated, Supernet, one_hot, seeded_supernet
from tests.search.conftest import PROBE

Space = CellSpace | NASBench201Space | DecoderSpace
SMALL = NASBench201Space(width=4, cells=1)


@pytest.fixture(scope="module")
def decoders() -> DecoderSpace:
    return DecoderSpace(PROBE.backbone, initial_state(PROBE), PROBE.image_size, width=8)


@pytest.fixture(params=["cells", "nasbench201", "decoders"])
def either(request: pytest.FixtureRequest, space: CellSpace, decoders: DecoderSpace) -> Space:
    known: dict[str, Space] = {"cells": space, "nasbench201": SMALL, "decoders": decoders}
    return known[request.param]


def gated(module: nn.Module) -> list[Gated]:
    return [part for part in module.modules() if isinstance(part, Gated)]


def images(count: int = 3) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def times(factor: float) -> nn.Module:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, factor)
    return layer


def test_options_are_summed_by_their_gates() -> None:
    supernet = Supernet(
        Gated("factor", [times(1.0), times(10.0), times(100.0)]), [Choice("factor", ("1", "10", "100"))]
    )
    out = supernet(torch.ones(1, 1), [torch.tensor([0.5, 0.25, 0.25])])
    assert out.item() == 0.5 + 2.5 + 25


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("training", [True, False])
def test_one_hot_gates_are_the_network_alone(either: Space, seed: int, training: bool) -> None:
    architecture = sample(either, np.random.default_rng(seed))
    supernet = seeded_supernet(either, 5, seed)
    alone = either.build(architecture, 5)
    alone.load_state_dict(supernet.child(architecture).state_dict())
    inputs = either.inputs(images())
    found = supernet.train(training)(inputs, one_hot(either.choices, architecture))
    torch.testing.assert_close(found, alone.train(training)(inputs))


def test_a_child_can_be_assembled_and_shares_nothing(either: Space) -> None:
    architecture = sample(either, np.random.default_rng(0))
    supernet = seeded_supernet(either, 5, 0).eval()
    child = supernet.child(architecture).eval()
    inputs = either.inputs(images())
    before = supernet(inputs, one_hot(either.choices, architecture))
    torch.testing.assert_close(either.assemble(architecture, child)(images()), before)
    for weight in child.parameters():
        nn.init.zeros_(weight)
    assert torch.equal(supernet(inputs, one_hot(either.choices, architecture)), before)


def test_one_path_touches_no_other_option(either: Space) -> None:
    architecture = sample(either, np.random.default_rng(4))
    supernet = seeded_supernet(either, 5, 0)
    called: list[Architecture] = []
    of = {choice.name: place for place, choice in enumerate(either.choices)}
    for part in gated(supernet):
        for index, option in enumerate(part.options):
            option.register_forward_hook(lambda *_, at=(of[part.decision], index): called.append(at))
    supernet(either.inputs(images()), one_hot(either.choices, architecture)).sum().backward()
    unused = {f"level_{level}" for level in range(architecture[0])} if isinstance(either, DecoderSpace) else set()
    assert set(called) == {
        (of[name], index) for name, index in zip(of, architecture, strict=True) if name not in unused
    }
    moved = [weight for weight in supernet.parameters() if weight.grad is not None]
    assert sum(weight.numel() for weight in moved) == count_parameters(supernet.child(architecture))


def saved(space: NASBench201Space, architecture: Architecture) -> tuple[int, int]:
    """Return how many tensors, and elements of them, autograd keeps of a pass."""
    sizes: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    supernet = seeded_supernet(space, 5, 0)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        supernet(space.inputs(images()), one_hot(space.choices, architecture))
    return len(sizes), sum(sizes)


def test_the_memory_of_one_path_does_not_grow_with_the_options() -> None:
    alone = SMALL.restrict({choice.name: ["nor_conv_3x3"] for choice in SMALL.choices})
    two = SMALL.restrict({choice.name: ["nor_conv_1x1", "nor_conv_3x3"] for choice in SMALL.choices})
    found = [saved(alone, (0,) * 6), saved(two, (1,) * 6), saved(SMALL, (3,) * 6)]
    assert found[0] == found[1] == found[2]


def test_a_pass_with_all_gates_open_is_counted_in_paths(either: Space) -> None:
    supernet = seeded_supernet(either, 5, 0)
    called: list[int] = []
    for part in gated(supernet):
        for option in part.options:
            option.register_forward_hook(lambda *_: called.append(1))

    def calls(gates: Sequence[Tensor]) -> int:
        called.clear()
        supernet(either.inputs(images()), gates)
        return len(called)

    every = calls([torch.full((len(choice.options),), 1 / len(choice.options)) for choice in either.choices])
    first = either.choices[0]
    rest = [0] * (len(either.choices) - 1)
    paths = [calls(one_hot(either.choices, (option, *rest))) for option in range(len(first.options))]
    assert supernet.passes == pytest.approx(every / float(np.mean(paths)))


def test_weights_depend_on_the_seed_alone(either: Space) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second, other = (seeded_supernet(either, 5, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert any(not torch.equal(tensor, other[name]) for name, tensor in first.items())


def test_whole_networks_have_no_supernet() -> None:
    with pytest.raises(InputError, match=r"ModelSpace does not have.*choose cells or nasbench201"):
        seeded_supernet(ModelSpace(["test_resnet"], 32), 5, 0)
