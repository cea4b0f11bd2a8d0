"""Every fast path against the float64 definition, and properties of the Fisher diagonal."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.passes import loop_pass, vmap_pass
from taskzoo.fisher.reference import reference_fisher
from taskzoo.fisher.taps import has_rules, rules_pass
from tests.fisher.cases import CASES, CLASSES, batch, build


def error(found: dict[str, Tensor], wanted: dict[str, Tensor], negligible: float = 1e-18) -> float:
    """Return the largest difference, as a share of its tensor's largest entry.

    Tensors whose true Fisher is zero (a bias before a softmax) hold the square of rounding only: hence a
    floor, as a share of the network's largest entry.
    """
    assert list(found) == list(wanted)
    floor = negligible * max(float(value.max()) for value in wanted.values())
    return max(
        float((found[name] - value).abs().max()) / max(float(value.max()), floor) for name, value in wanted.items()
    )


@pytest.mark.parametrize("name", CASES)
def test_float64_agrees_with_reference(name: str) -> None:
    network = build(name).double()
    images, labels = batch(5)
    wanted = reference_fisher(network, images, labels)
    assert error(fisher(network, images.double(), labels, batch_size=2), wanted) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_float32_agrees_with_reference(name: str) -> None:
    network = build(name)
    images, labels = batch(5)
    wanted = reference_fisher(network, images, labels)
    assert error(fisher(network, images, labels), wanted, negligible=1e-8) < 1e-3


@pytest.mark.parametrize("name", CASES)
def test_every_pass_that_covers_a_network_is_exact(name: str) -> None:
    network = build(name).double()
    images, labels = batch(4)
    wanted = reference_fisher(network, images, labels)
    fastest = CASES[name][1]
    names = list(wanted)
    assert has_rules(network, names, images.double(), 4) == (fastest == "rules")
    passes = {"rules": rules_pass, "vmap": vmap_pass, "loop": loop_pass}
    for one in list(passes)[list(passes).index(fastest) :]:
        network.train().eval()
        found = passes[one](network, names, images.double(), labels)
        assert error({key: value / 4 for key, value in found.items()}, wanted) < 1e-9, one


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["test_vit", "test_convnext2"])
def test_no_warnings(name: str) -> None:
    fisher(build(name), *batch(2))


def test_vmap_refuses_the_branching_network() -> None:
    network = build("branching")
    with pytest.raises(RuntimeError):
        vmap_pass(network, ["scale"], *batch(2))


def test_sample_axis_is_not_confused_with_an_axis_as_long_as_the_batch() -> None:
    network = build("sequence_first").double()
    images, labels = batch(4)  # As many samples as tokens.
    assert error(fisher(network, images.double(), labels), reference_fisher(network, images, labels)) < 1e-9


def test_hand_computed_softmax_regression() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
    images = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 0.0]]]])
    # Both classes at probability 1/2: the gradient is +-1/2 x for the weights, +-1/2 for the biases.
    values = fisher(network, images, torch.tensor([0, 1]))
    assert values["1.weight"].tolist() == [[(1 + 9) / 8, 4 / 8]] * 2
    assert values["1.bias"].tolist() == [0.25, 0.25]
    assert values["1.bias"].dtype == torch.float64


def test_reference_agrees_with_finite_differences() -> None:
    network = build("transposed_norm").double()
    images, labels = batch(2)
    wanted = reference_fisher(network, images, labels)
    for name, parameter in network.named_parameters():
        flat = parameter.data.view(-1)
        for index in range(min(4, len(flat))):
            slopes = []
            for sign in (1, -1):
                flat[index] += sign * 1e-5
                logs = network(images.double()).log_softmax(1)[torch.arange(2), labels]
                slopes.append(logs.detach())
                flat[index] -= sign * 1e-5
            numeric = ((slopes[0] - slopes[1]) / 2e-5).square().mean()
            assert wanted[name].view(-1)[index].item() == pytest.approx(numeric.item(), rel=1e-4, abs=1e-9)


def test_model_labels_are_drawn_from_the_softmax() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    with torch.no_grad():
        network.get_parameter("1.weight").zero_()
        network.get_parameter("1.bias").copy_(torch.tensor([3.0, 1.0]).log())  # Probabilities 3/4 and 1/4.
    images = torch.ones(20000, 1, 1, 1)
    values = fisher(network, images, None, batch_size=5000, generator=torch.Generator().manual_seed(0))
    # E[g^2] = 3/4 (1/4)^2 + 1/4 (3/4)^2 = 3/16, the softmax's variance.
    assert values["1.bias"].tolist() == pytest.approx([3 / 16, 3 / 16], rel=0.02)


def test_model_labels_depend_on_the_generator_only() -> None:
    network = build("test_resnet")
    images, _ = batch(9)
    values = [
        fisher(network, images, None, batch_size=size, generator=torch.Generator().manual_seed(seed))
        for size, seed in [(9, 0), (4, 0), (9, 1)]
    ]
    assert error(values[1], values[0], negligible=1e-8) < 1e-3
    assert error(values[2], values[0]) > 1e-2


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(7)), size=st.integers(1, 9), copies=st.integers(1, 2))
def test_order_batches_and_copies_change_nothing(order: list[int], size: int, copies: int) -> None:
    network = build("grouped").double()
    images, labels = batch(7)
    images = images.double()
    wanted = fisher(network, images, labels)
    index = torch.tensor(order).repeat(copies)
    found = fisher(network, images[index], labels[index], batch_size=size)
    assert error(found, wanted) < 1e-10
    assert all((value >= 0).all() for value in found.values())


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "levit", "branching"])
def test_the_model_comes_back_untouched(name: str) -> None:
    network = build(name).train()
    next(network.modules()).eval()
    parameters = list(network.parameters())
    parameters[0].requires_grad_(False)
    parameters[-1].grad = torch.ones_like(parameters[-1])
    before = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    values = fisher(network, *batch(3))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert [value.requires_grad for value in parameters] == [False] + [True] * (len(parameters) - 1)
    assert parameters[-1].grad.eq(1).all()
    assert parameters[0].grad is None
    assert len(values) == len(parameters) - 1


def test_a_table_cached_without_a_graph_does_not_hide_its_parameter() -> None:
    network = build("levit")
    images, labels = batch(2)
    wanted = reference_fisher(network, images, labels)
    with torch.no_grad():
        network(images)
    assert error(fisher(network, images, labels), wanted, negligible=1e-8) < 1e-3
    name = "stages.1.downsample.attn_downsample.attention_biases"
    assert fisher(network, images, labels, parameters=[name])[name].all()


def test_wanted_parameters_only_and_in_the_models_order() -> None:
    network = build("test_resnet")
    images, labels = batch(3)
    whole = fisher(network, images, labels)
    part = fisher(network, images, labels, parameters=["fc.weight", "conv1.0.weight"])
    assert list(part) == ["conv1.0.weight", "fc.weight"]
    assert error(part, {name: whole[name] for name in part}, negligible=1e-8) < 1e-3


def test_a_parameter_without_influence_has_zero_fisher() -> None:
    network = build("grouped")
    network.register_parameter("idle", nn.Parameter(torch.ones(2)))
    assert fisher(network, *batch(2))["idle"].tolist() == [0, 0]


def test_bad_input_is_named() -> None:
    network = build("grouped")
    images, labels = batch(2)
    with pytest.raises(InputError, match="parameters names 'head'"):
        fisher(network, images, labels, parameters=["head"])
    with pytest.raises(InputError, match="images is empty"):
        fisher(network, images[:0], labels[:0])
    with pytest.raises(InputError, match=r"not finite at 0\.weight"):
        fisher(network, images * float("nan"), labels)
    with pytest.raises(InputError, match="logits are not finite"):
        fisher(network, images * float("nan"), None)
    with torch.no_grad():
        network.get_parameter("11.weight").zero_()
    with pytest.raises(InputError, match="zero everywhere"):
        fisher(network, images, labels, parameters=["0.weight"])


def test_an_error_of_the_model_itself_is_told() -> None:
    with pytest.raises(RuntimeError):
        fisher(build("grouped"), torch.zeros(2, 4, 32, 32), torch.zeros(2, dtype=torch.int64))


def test_logits_of_several_classes() -> None:
    assert build("mixer")(batch(2)[0]).shape == (2, CLASSES)
