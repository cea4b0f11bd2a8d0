"""Properties of the Fisher diagonal, what becomes of the model, and the file it is kept in."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import fisher, load
from taskzoo.fisher.reference import reference_fisher
from tests.fisher.cases import CASES, batch, batches, build, error


def test_hand_computed_softmax_regression() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
    images = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 0.0]]]])
    # Both classes at probability 1/2: the gradient is +-1/2 x for the weights, +-1/2 for the biases.
    values = fisher(network, [(images, torch.tensor([0, 1]))])
    assert values["1.weight"].tolist() == [[(1 + 9) / 8, 4 / 8]] * 2
    assert values["1.bias"].tolist() == [0.25, 0.25]


@pytest.mark.parametrize("name", ["transposed_norm", "tied", "masked_attention"])
def test_reference_agrees_with_finite_differences(name: str) -> None:
    network = build(name).double()
    images, labels = batch(2)
    wanted = reference_fisher(network, images, labels)
    for each, parameter in network.named_parameters():
        flat = parameter.data.view(-1)
        for index in range(min(4, len(flat))):
            slopes = []
            for sign in (1, -1):
                flat[index] += sign * 1e-5
                logs = network(images.double()).log_softmax(1)[torch.arange(2), labels]
                slopes.append(logs.detach())
                flat[index] -= sign * 1e-5
            numeric = ((slopes[0] - slopes[1]) / 2e-5).square().mean()
            assert wanted[each].view(-1)[index].item() == pytest.approx(numeric.item(), rel=1e-4, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(7)), size=st.integers(1, 9), copies=st.integers(1, 2))
def test_order_batches_and_copies_change_nothing(order: list[int], size: int, copies: int) -> None:
    network = build("windows").double()
    images, labels = batch(7)
    images = images.double()
    wanted = fisher(network, [(images, labels)])
    index = torch.tensor(order).repeat(copies)
    found = fisher(network, batches(images[index], labels[index], size))
    assert error(found, wanted) < 1e-12
    assert all((value >= 0).all() for value in found.values())
    assert found.provenance.samples == 7 * copies


def test_a_stream_of_batches_is_read_once_and_empty_ones_do_not_count() -> None:
    network = build("conv").double()
    images, labels = batch(6)
    images = images.double()

    def stream() -> Iterator[tuple[Tensor, Tensor]]:
        yield images[:0], labels[:0]
        for index in range(6):
            yield images[index : index + 1], labels[index : index + 1]
            yield images[:0], labels[:0]

    found = fisher(network, stream())
    assert error(found, fisher(network, [(images, labels)])) < 1e-12
    assert found.provenance.samples == 6


def test_sums_over_batches_are_float64() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    nn.init.zeros_(network.get_parameter("1.weight"))
    label = torch.zeros(1, dtype=torch.int64)
    data = [(torch.ones(1, 1), label), *[(torch.full((1, 1), 2.0**-12), label)] * 200]
    # Slopes are half the inputs. In float32, 1/4 + 2^-26 is 1/4, and the result would be 1e-5 too small.
    wanted = (0.25 + 200 * 2.0**-26) / 201
    assert fisher(network, data)["1.weight"].tolist() == [[pytest.approx(wanted, rel=1e-6)]] * 2


@pytest.mark.parametrize(
    "name", ["test_resnet", "test_vit", "levit", "branching", "encoder_layer", "lstm", "registered_twice"]
)
def test_the_model_comes_back_untouched(name: str) -> None:
    network = build(name).train()
    next(network.modules()).eval()
    parameters = list(network.parameters())
    parameters[0].requires_grad_(False)
    parameters[-1].grad = torch.ones_like(parameters[-1])
    before = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    seen: list[str] = []
    network.register_forward_hook(lambda *_: seen.append("forward"))
    hooks = [dict(module._forward_hooks) for module in network.modules()]
    values = fisher(network, [batch(3, CASES[name].size)])
    assert [module.training for module in network.modules()] == modes
    assert [module._forward_hooks for module in network.modules()] == hooks
    assert seen
    assert all(now is value for now, value in zip(network.parameters(), parameters, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert [value.requires_grad for value in parameters] == [False] + [True] * (len(parameters) - 1)
    assert parameters[-1].grad.eq(1).all()
    assert all(value.grad is None for value in parameters[:-1])
    assert len(values) == len(parameters) - 1


def test_the_model_comes_back_untouched_from_an_error() -> None:
    network = build("conv").train()
    network.get_submodule("0").requires_grad_(False)

    def stream() -> Iterator[tuple[Tensor, Tensor]]:
        yield batch(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fisher(network, stream())
    assert all(module.training for module in network.modules())
    assert [value.requires_grad for value in network.parameters()] == [False, *[True] * 4]


@pytest.mark.parametrize("name", ["conv", "branching"])
def test_hooks_on_parameters_are_left_alone(name: str) -> None:
    """An optimiser that steps in a hook, as large models are trained, would change the model."""
    network = build(name)
    called: list[Tensor] = []
    for parameter in network.parameters():
        parameter.register_post_accumulate_grad_hook(called.append)  # type: ignore[no-untyped-call]
    values = fisher(network, [batch(3)])
    assert not called
    assert error(values, reference_fisher(build(name), *batch(3)), negligible=1e-8) < 1e-3
    (network(batch(3)[0]).sum()).backward()
    assert called


@pytest.mark.parametrize("name", ["in_place", "branching", "conv"])
def test_the_data_come_back_untouched(name: str) -> None:
    images, labels = batch(3)
    before = images.clone()
    fisher(build(name), [(images, labels)])
    assert torch.equal(images, before)


def test_a_frozen_parameter_can_be_asked_for_and_gradients_may_be_off() -> None:
    network = build("conv").requires_grad_(False)
    with torch.no_grad():
        values = fisher(network, [batch(3)], parameters=["0.weight"])
    network.requires_grad_()
    assert error(values, {"0.weight": reference_fisher(network, *batch(3))["0.weight"]}, negligible=1e-8) < 1e-3


def test_a_table_cached_without_a_graph_does_not_hide_its_parameter() -> None:
    network = build("levit")
    images, labels = batch(2, 32)
    wanted = reference_fisher(network, images, labels)
    with torch.no_grad():
        network(images)
    assert error(fisher(network, [(images, labels)]), wanted, negligible=1e-8) < 1e-3
    name = "stages.1.downsample.attn_downsample.attention_biases"
    assert fisher(network, [(images, labels)], parameters=[name])[name].all()


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "lstm", "concatenated"])
def test_wanted_parameters_only_and_in_the_models_order(name: str) -> None:
    network = build(name).double()
    images, labels = batch(3, CASES[name].size)
    data = [(images.double(), labels)]
    whole = fisher(network, data)
    names = list(whole)[::3]
    part = fisher(network, data, parameters=names[::-1])
    assert list(part) == names
    assert error(part, {each: whole[each] for each in part}) < 1e-12


def test_parameters_without_influence_have_zero_fisher() -> None:
    values = fisher(build("idle"), [batch(2)])
    assert values["unused"].tolist() == [0, 0]
    assert not values["vain"].any()
    assert not values["constant"].any()
    assert values["stem.weight"].all()


def test_bad_input_is_named() -> None:
    network = build("conv")
    images, labels = batch(2)
    with pytest.raises(InputError, match="parameters names 'head'"):
        fisher(network, [(images, labels)], parameters=["head"])
    for empty in ([], [(images[:0], labels[:0])]):
        with pytest.raises(InputError, match="data holds no samples"):
            fisher(network, empty)
    for precision in ("tf32", "bf16"):
        with pytest.raises(InputError, match=f"precision is '{precision}' on the device 'cpu'; expected 'float32'"):
            fisher(network, [(images, labels)], precision=precision)
    with torch.no_grad():
        list(network.parameters())[-2].zero_()
    with pytest.raises(InputError, match="zero everywhere"):
        fisher(network, [(images, labels)], parameters=["0.weight"])


def test_gradients_that_are_not_finite_are_named() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 2, bias=False))
    nn.init.zeros_(network.get_parameter("1.weight"))
    images = torch.full((1, 3, 8, 8), 1e30)  # Its square is beyond float32.
    with pytest.raises(InputError, match=r"the Fisher is not finite at 1\.weight"):
        fisher(network, [(images, torch.zeros(1, dtype=torch.int64))])


def test_an_error_of_the_model_itself_is_told() -> None:
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 4 channels"):
        fisher(build("conv"), [(torch.zeros(2, 4, 8, 8), torch.zeros(2, dtype=torch.int64))])


@pytest.mark.parametrize("name", ["conv", "test_vit", "lstm"])
def test_a_file_gives_back_what_was_saved(name: str, tmp_path: Path) -> None:
    network = build(name)
    values = fisher(network, [batch(3, CASES[name].size)], labels="model", draws=2)
    path = tmp_path / "some" / "fisher.safetensors"
    values.save(path)
    found = load(path)
    assert found.provenance == values.provenance
    assert list(found) == list(values) == [each for each, _ in network.named_parameters()]
    assert all(torch.equal(found[each], values[each]) for each in values)
    assert all(value.shape == network.get_parameter(each).shape for each, value in found.items())
    assert all(value.dtype == network.get_parameter(each).dtype for each, value in found.items())


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def rewritten(path: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], None]) -> None:
    """Change the tensors and the provenance of a file."""
    with safe_open(path, framework="pt") as handle:
        metadata = handle.metadata()
    record, tensors = json.loads(metadata["record"]), load_file(path)
    change(tensors, record["provenance"])
    save_file(tensors, path, {"record": json.dumps(record)})


def without_provenance(path: Path) -> None:
    save_file(load_file(path), path)


def without_samples(path: Path) -> None:
    rewritten(path, lambda _, provenance: provenance.update(samples=0))


def with_a_hole(path: Path) -> None:
    def spoil(tensors: dict[str, Tensor], _: object) -> None:
        tensors["0.weight"].view(-1)[0] = float("nan")

    rewritten(path, spoil)


def below_zero(path: Path) -> None:
    def spoil(tensors: dict[str, Tensor], _: object) -> None:
        tensors["0.weight"].neg_()

    rewritten(path, spoil)


def all_zero(path: Path) -> None:
    def spoil(tensors: dict[str, Tensor], _: object) -> None:
        for value in tensors.values():
            value.zero_()

    rewritten(path, spoil)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (truncated, "not a readable Fisher diagonal"),
        (emptied, "not a readable Fisher diagonal"),
        (removed, "not a readable Fisher diagonal"),
        (without_provenance, "not a readable Fisher diagonal"),
        (without_samples, "not a readable Fisher diagonal"),
        (with_a_hole, "not finite at 0.weight"),
        (below_zero, "negative at 0.weight"),
        (all_zero, "zero everywhere"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    path = tmp_path / "fisher.safetensors"
    fisher(build("conv"), [batch(2)]).save(path)
    damage(path)
    with pytest.raises(InputError, match=told) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
