"""A small problem whose answer lies in the images: the sign of each quarter's mean."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.params import ProbeParams
from taskzoo.probe.forms import ClassForm
from taskzoo.probe.network import initial_state
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.problem import Problem

PROBE = ProbeParams(backbone="test_resnet", image_size=32)


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two classes: bright on the left, or bright on the right."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    images = torch.randn(count, 3, 32, 32, generator=generator)
    for image, label in zip(images, labels, strict=True):
        image[:, :, 16 * int(label) : 16 * int(label) + 16] += 1.0
    return images, labels


def make_problem(steps: int = 6, side: int = 32) -> Problem:
    (train, train_labels), (val, val_labels) = pictures(48, 0), pictures(32, 1)
    train, val = (functional.adaptive_avg_pool2d(each, side) for each in (train, val))
    return Problem(train, train_labels, val, val_labels, form=ClassForm(2), recipe=Recipe(steps, 16, 3e-3))


@pytest.fixture(scope="session")
def space() -> CellSpace:
    return CellSpace(PROBE.backbone, initial_state(PROBE), PROBE.image_size, nodes=3, width=8)


@pytest.fixture(scope="session")
def networks() -> NASBench201Space:
    return NASBench201Space(width=4, cells=1)


@pytest.fixture(scope="session")
def problem() -> Problem:
    return make_problem()
