"""Inner products of per-sample gradients against the gradients themselves."""

import copy
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.fisher import products
from taskzoo.fisher.collecting import Grams
from taskzoo.fisher.engine import Engine
from taskzoo.fisher.evaluation import ready
from taskzoo.fisher.feature_gram import DEAD, feature_grams
from taskzoo.fisher.gradients import OwnRows, Rows
from taskzoo.fisher.products import POINT, Geometry, Products
from taskzoo.likelihood import Categorical
from tests.fisher.cases import CASES, EVERY, batch, build

# An NFNet's weight-standardised convolutions are pulled back; an EfficientNet has depthwise ones.
BACKBONES: dict[str, dict[str, Any]] = {
    "test_resnet": {},
    "test_efficientnet": {},
    "test_nfnet": {},
    "test_convnext2": {},
    "test_vit": {"img_size": 32},
}


def backbone(name: str) -> nn.Module:
    """Build a network without a head, its parameters all random."""
    torch.manual_seed(0)
    network: nn.Module = timm.create_model(name, num_classes=0, **BACKBONES[name])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter) * (parameter.std(correction=0) + 0.1))
    return network.double().eval()


def outer(losses: list[Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Return the inner products of the gradients of losses, by parameter."""
    names, parameters = zip(*network.named_parameters(), strict=True)
    rows = [
        torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
        for loss in losses
    ]
    stacked = [torch.stack([row.flatten() for row in column]) for column in zip(*rows, strict=True)]
    return {name: values @ values.T for name, values in zip(names, stacked, strict=True)}


def wrong(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> float:
    """Return the largest difference, as a share of a tensor's largest entry, or a tiny one of the network's."""
    floor = 1e-12 * max(float(value.abs().max()) for value in wanted.values())
    return max(
        float((found.get(name, torch.zeros(())) - value).abs().max()) / max(float(value.abs().max()), floor)
        for name, value in wanted.items()
    )


@pytest.mark.parametrize("name", BACKBONES)
def test_feature_grams_are_those_of_one_backward_pass_an_image(name: str) -> None:
    network, images = backbone(name), batch(4, 32)[0].double()
    features, found = feature_grams(network, images, directions=2, seed=3)
    out = network(images)
    assert torch.allclose(features, out, rtol=1e-9)
    spread = out.detach().std(0)
    scale = spread.clamp(min=DEAD * float(spread.max()))
    generator = torch.Generator().manual_seed(3)
    wanted: dict[str, Tensor] = {}
    for _ in range(2):
        direction = torch.randn(out.shape[1], generator=generator).double() / scale
        # Each image twice: torch errs at batch normalisation of a batch of one.
        losses = [(network(image.expand(2, -1, -1, -1)) @ direction).mean() for image in images]
        for each, gram in outer(losses, network).items():
            wanted[each] = wanted.get(each, torch.zeros_like(gram)) + gram
    assert set(found) <= set(wanted)
    assert wrong(found, wanted) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_every_use_of_parameters(name: str) -> None:
    network = build(name).double()
    images, labels = batch(5, CASES[name].size)
    images, names = images.double(), [each for each, _ in network.named_parameters()]
    with ready(network, names):
        engine = Engine(network, names, Categorical(), images)
        found = engine.grams(images, lambda outputs: [(labels, None), (labels.roll(1), None)])
    network.requires_grad_()
    wanted: dict[str, Tensor] = {}
    for targets in (labels, labels.roll(1)):
        losses = [
            functional.cross_entropy(network(torch.stack([image, image])), target.expand(2))
            for image, target in zip(images, targets, strict=True)
        ]
        for each, gram in outer(losses, network).items():
            wanted[each] = wanted.get(each, torch.zeros_like(gram)) + gram
    alone = {each for each in names if each.startswith(CASES[name].alone)}
    assert not alone & set(found)
    if CASES[name].alone != EVERY:
        assert wrong(found, {each: gram for each, gram in wanted.items() if each not in alone}) < 1e-9


def test_a_batch_as_long_as_an_axis_of_tokens_is_refused_not_mistaken() -> None:
    network, images = build("spread").double(), batch(4)[0].double()
    with pytest.raises(InputError, match=r"4 images at once.*kernel_images"):
        feature_grams(network, images)


@pytest.mark.parametrize("scratch", [1, 300, 1 << 24])
@pytest.mark.parametrize("places", [(3, 3), (1, 2), (1, 1), (5, 7)])
def test_both_ways_of_products_are_those_of_rows(
    places: tuple[int, ...], scratch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "GRAM_SCRATCH", scratch)
    monkeypatch.setattr(products, "SCRATCH", {"cpu": scratch})
    torch.manual_seed(0)
    for stride, padding, dilation, groups in product([(1, 1), (2, 3)], [(0, 0), (1, 2)], [(1, 1), (1, 2)], [1, 2, 4]):
        if places == (5, 7) and dilation != (1, 1):
            continue  # It would not fit.
        x, weight = torch.randn(6, 4, 5, 7).double(), torch.randn(8, 4 // groups, *places).double()
        g = torch.randn_like(functional.conv2d(x, weight, None, stride, padding, dilation, groups))
        for samples in (6, 3):  # Each sample may have several windows.
            found = Products(x, g, samples, Geometry(places, stride, padding, dilation, groups), weight.shape)
            rows = found.rows(slice(0, samples)).flatten(1)
            for gram in (found.gram(), found._gram_of_pairs(), found._gram_of_rows()):
                assert torch.allclose(gram, rows @ rows.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("positions", "way"), [(1, "_gram_of_pairs"), (64, "_gram_of_rows")])
def test_products_are_taken_by_the_cheaper_way(positions: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Products(torch.ones(4, 32, positions), torch.ones(4, 32, positions), 4, POINT, torch.Size((32, 32)))
    other = {"_gram_of_pairs", "_gram_of_rows"} - {way}
    monkeypatch.delattr(Products, other.pop())
    assert torch.equal(taken.gram(), torch.full((4, 4), (32.0 * positions) ** 2))


def test_rows_of_samples_own() -> None:
    own = OwnRows(torch.randn(4, 2, 3, dtype=torch.float64))
    rows = own.rows(slice(0, 4)).flatten(1)
    assert torch.allclose(own.gram(), rows @ rows.T)


def test_gradients_that_come_in_parts_and_passes() -> None:
    passes = torch.randn(2, 5, 3, 2, dtype=torch.float64)
    grams = Grams(5)
    for values in passes:
        for part in (slice(0, 2), slice(2, 4)):
            grams.take("weight", Rows(values[part]))
            assert torch.equal(values, passes[0]) == ("weight" not in grams.results)
        grams.take("weight", Rows(values[4:]))
        grams.take("scale", Rows(values[:, 0, 0]))  # A scalar's.
    wanted = {"weight": passes.flatten(2), "scale": passes[:, :, :1, 0]}
    for name, rows in wanted.items():
        assert torch.allclose(grams.results[name], (rows @ rows.mT).sum(0))


@pytest.mark.parametrize("training", [True, False])
def test_the_backbone_comes_back_as_it_was(training: bool) -> None:
    network = backbone("test_resnet").train(training)
    first, second, *_ = network.parameters()
    first.requires_grad_(False)
    second.grad = torch.ones_like(second)
    before = copy.deepcopy(network.state_dict())
    feature_grams(network, batch(3, 32)[0].double(), 1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(module.training == training for module in network.modules())
    assert [value.requires_grad for value in network.parameters()][:3] == [False, True, True]
    assert second.grad is not None
    assert torch.equal(second.grad, torch.ones_like(second))
    assert all(value.grad is None for value in network.parameters() if value is not second)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_refused(value: float) -> None:
    linear = nn.Linear(12, 4)
    network = nn.Sequential(nn.Flatten(), linear)
    images = batch(3, 2)[0]
    images[2, 0, 0, 0] = value
    with pytest.raises(InputError, match="not finite"):
        feature_grams(network, images)
    with torch.no_grad():
        linear.bias[0] = value
    with pytest.raises(InputError, match="not finite"):
        feature_grams(network, batch(3, 2)[0])


@pytest.mark.filterwarnings("error")
def test_features_that_do_not_vary_have_finite_products() -> None:
    linear = nn.Linear(12, 4)
    network = nn.Sequential(nn.Flatten(), linear)
    nn.init.zeros_(linear.weight)
    images = batch(3, 2)[0]
    features, grams = feature_grams(network, images, directions=1)
    assert torch.equal(features, linear.bias.detach().expand(3, 4))
    direction = torch.randn(4, generator=torch.Generator().manual_seed(0))
    rows = images.flatten(1)
    assert torch.allclose(grams["1.weight"], direction.square().sum() * rows @ rows.T, rtol=1e-4)
    assert torch.allclose(grams["1.bias"], direction.square().sum().expand(3, 3))


def test_a_feature_that_hardly_varies_is_not_blown_up() -> None:
    linear = nn.Linear(12, 2, bias=False).double()
    network = nn.Sequential(nn.Flatten(), linear)
    with torch.no_grad():
        linear.weight[1] = 1e-9 * linear.weight[0]
    features, grams = feature_grams(network, batch(5, 2)[0].double(), directions=1)
    rows, spread = batch(5, 2)[0].double().flatten(1), features[:, 0].std()
    direction = torch.randn(2, generator=torch.Generator().manual_seed(0)).double() / (spread * torch.tensor([1, DEAD]))
    assert torch.allclose(grams["1.weight"], direction.square().sum() * rows @ rows.T)
