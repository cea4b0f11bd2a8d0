"""How many images a distance needs: the jackknife's interval against the distance on all images."""

import copy
import math
from collections.abc import Iterator
from dataclasses import astuple
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from taskzoo.distance.vectors import hellinger_squared
from taskzoo.errors import InputError
from taskzoo.fisher.check import Diagonal
from taskzoo.fisher.convergence import FEWEST, resolve_distance, track
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.jackknife import EVEN, MOST, Block, Blocks, Point

CLASSES = 10


def hellinger(first: Diagonal, second: Diagonal) -> float:
    """Return the Fisher task distance of two diagonals."""
    f, g = (torch.cat([value.flatten() for value in values.values()]).numpy() for values in (first, second))
    return float(np.sqrt(hellinger_squared(f, g)))


def digits() -> tuple[Tensor, Tensor]:
    """Return scikit-learn's 1797 digits, 8x8."""
    found = load_digits()
    return torch.from_numpy(found.images / 16).float()[:, None], torch.from_numpy(found.target).long()


def trained(seed: int, targets: Tensor, steps: int, pooled: bool = True) -> nn.Sequential:
    """Train a small network on digits' images, then fit its head to the digits themselves."""
    images, labels = digits()
    torch.manual_seed(seed)
    pool = nn.AdaptiveAvgPool2d(1) if pooled else nn.Identity()
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    body = nn.Sequential(*layers, pool, nn.Flatten())
    network = nn.Sequential(body, nn.Linear(16 if pooled else 256, CLASSES))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        some = torch.randint(len(images), (64,))
        loss = functional.cross_entropy(network(images[some]), targets[some])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        features = body(images[:300])
    network[1].load_state_dict(fit_head(features, labels[:300], CLASSES).state_dict())
    return network.eval()


def squares(network: nn.Sequential) -> Tensor:
    """Return each image's squared gradient of the backbone, [N, P]."""
    images, labels = digits()
    values = {name: value.detach() for name, value in network.named_parameters()}
    backbone = {name: value for name, value in values.items() if name.startswith("0.")}

    def loss(some: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(network, values | some, (image[None],)), label[None])

    gradients = vmap(grad(loss), (None, 0, 0))(backbone, images, labels)
    return torch.cat([value.flatten(1) for value in gradients.values()], 1).square()


def batches(first: Tensor, second: Tensor, order: Tensor, size: int = 8) -> Iterator[Block]:
    """Yield the sums of batches of images in an order."""
    for some in torch.split(order, size):
        yield Block([{"all": each[some].sum(0)} for each in (first, second)], len(some))


def covering(first: Tensor, second: Tensor, tolerance: float, orders: int) -> tuple[list[Point], float]:
    """Return where many random samples of the images resolve the distance, and the distance on all images."""
    truth = hellinger({"all": first.double().mean(0)}, {"all": second.double().mean(0)})
    generator = torch.Generator().manual_seed(0)
    # Drawn with replacement: the images are then all there is, and the distance on them is the true one.
    samples = [torch.randint(len(first), (2 * len(first),), generator=generator) for _ in range(orders)]
    found = [track(batches(first, second, order), hellinger, tolerance) for order in samples]
    return [each.points[-1] for each in found if each.resolved], truth


@pytest.mark.slow
@pytest.mark.parametrize("near", [False, True])
def test_the_interval_covers_the_distance_on_all_images(near: bool) -> None:
    _, labels = digits()
    source = trained(0, labels, 200, pooled=False) if near else trained(5, labels, 300)
    target = trained(0, labels, 300, pooled=not near)
    points, truth = covering(squares(source), squares(target), tolerance=0.03, orders=200)
    assert len(points) > 190
    # 0.95 is wanted; 200 orders tell it to 0.015.
    assert 0.9 <= np.mean([point.low <= truth <= point.high for point in points]) <= 0.99
    assert np.mean([abs(point.distance - truth) <= 0.03 for point in points]) > 0.97
    if near:
        corrected, plain = (np.mean([getattr(point, kind) for point in points]) for kind in ("distance", "plain"))
        assert abs(corrected - truth) < (plain - truth) / 2


def parts(values: list[int]) -> list[Block]:
    """Return batches of 1, 2, 3, 1, 2, ... images whose sums are the given numbers, and as many ones."""
    return [
        Block([{"a": torch.tensor([float(value)])}, {"a": torch.ones(1)}], 1 + index % 3)
        for index, value in enumerate(values)
    ]


def first_mean(first: Diagonal, second: Diagonal) -> float:
    """Return a number whose square is linear in the first diagonal."""
    return math.sqrt(float(first["a"]))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_merging_changes_no_totals_and_keeps_few_blocks(values: list[int]) -> None:
    blocks = Blocks()
    for number, part in enumerate(parts(values), 1):
        blocks.add(part)
        assert len(blocks.blocks) <= MOST
        assert blocks.batches == number
    assert len({block.batches for block in blocks.blocks[:-1]}) <= 1
    assert sum(int(block.sums[0]["a"]) for block in blocks.blocks) == sum(values)
    assert blocks.images == sum(part.images for part in parts(values))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=40).filter(any))
def test_the_estimate_of_an_average_is_the_average(values: list[int]) -> None:
    blocks = Blocks()
    for part in parts(values):
        blocks.add(part)
    point = blocks.point(first_mean, 0.95)
    assert point.plain == pytest.approx(math.sqrt(sum(values) / blocks.images))
    assert point.distance == pytest.approx(point.plain)
    assert point.low <= point.distance <= point.high


def test_the_error_of_an_average_is_its_standard_error() -> None:
    values = [3.0, 5.0, 4.0, 9.0, 1.0]
    blocks = Blocks()
    for value in values:
        blocks.add(Block([{"a": torch.tensor([10 * value])}, {"a": torch.ones(1)}], 10))
    point = blocks.point(first_mean, 0.9)
    low, high = stats.t.interval(0.9, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (point.low**2, point.high**2) == pytest.approx((low, high))
    assert point.evenness == pytest.approx(22**2 / (5 * (9 + 25 + 16 + 81 + 1)))


@pytest.mark.parametrize("count", [MOST, 2 * MOST, 4 * MOST])
def test_the_order_of_two_halves_does_not_matter(count: int) -> None:
    values = torch.rand(2, 4 * count, 5, generator=torch.Generator().manual_seed(0))
    points = []
    for order in (torch.arange(4 * count), torch.arange(4 * count).roll(2 * count)):
        blocks = Blocks()
        for part in batches(values[0], values[1], order, 4):
            blocks.add(part)
        points.append(astuple(blocks.point(hellinger, 0.95)))
    assert points[0] == pytest.approx(points[1], rel=1e-5)


def test_what_rare_images_decide_is_not_resolved() -> None:
    generator = torch.Generator().manual_seed(0)
    values = 1 + 0.1 * torch.rand(2, 160, 5, generator=generator)
    assert track(batches(values[0], values[1], torch.arange(160)), hellinger, 0.1).resolved
    values[:, ::80] *= 100
    found = track(batches(values[0], values[1], torch.arange(160)), hellinger, 0.1)
    assert not found.resolved
    assert found.points[-1].images == 160
    assert found.points[-1].high - found.points[-1].low < 0.2
    assert found.points[-1].evenness < EVEN


def test_all_images_count_in_the_end() -> None:
    values = torch.rand(2, 37, 5, generator=torch.Generator().manual_seed(0))
    found = track(batches(values[0], values[1], torch.arange(37), 2), hellinger, 1e-9)
    assert [point.images for point in found.points] == [24, 26, 28, 30, 32, 37]
    assert not found.resolved


def loader(images: Tensor, labels: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Return batches of images and labels."""
    return list(zip(torch.split(images, size), torch.split(labels, size), strict=True))


@pytest.mark.parametrize("rule", ["data", "expected"])
def test_the_distance_is_that_of_the_fishers(rule: Literal["data", "expected"]) -> None:
    images, labels = (part[:60] for part in digits())
    first, second = trained(0, labels, 0).train(), trained(1, labels, 0)
    data = loader(images, labels, 4)
    names = ["0.0.weight", "1.bias"]
    found = resolve_distance(first, second, data, hellinger, 1e-9, labels=rule, parameters=names)
    diagonals = [dict(fisher(network, data, labels=rule, parameters=names)) for network in (first, second)]
    assert found.points[-1].images == 60
    assert found.points[-1].plain == pytest.approx(hellinger(*diagonals), rel=1e-4)
    assert (first.training, second.training) == (True, False)


def test_a_network_is_at_no_distance_from_itself_at_once() -> None:
    images, labels = digits()
    network = trained(0, labels, 0)
    found = resolve_distance(network, copy.deepcopy(network), loader(images, labels, 4), hellinger, 0.01)
    assert found.resolved
    assert [(point.images, point.distance, point.low, point.high) for point in found.points] == [(4 * FEWEST, 0, 0, 0)]


def test_bad_input_is_named() -> None:
    images, labels = (part[:60] for part in digits())
    network, other = trained(0, labels, 0), trained(0, labels, 0, pooled=False)
    data = loader(images, labels, 4)
    with pytest.raises(InputError, match=r"'1\.weight' is not of the same shape in both"):
        resolve_distance(network, other, data, hellinger, 0.1)
    with pytest.raises(InputError, match="'no' is not of the same shape in both"):
        resolve_distance(network, network, data, hellinger, 0.1, parameters=["no"])
    with pytest.raises(InputError, match="data holds 2 batches; expected at least 12"):
        resolve_distance(network, network, data[:2], hellinger, 0.1)
    with pytest.raises(InputError, match="tolerance is 0 and confidence"):
        resolve_distance(network, network, data, hellinger, 0)
    with pytest.raises(InputError, match="the Fisher of network 1 is not finite"):
        resolve_distance(network, network, loader(images * float("nan"), labels, 4), hellinger, 0.1)
