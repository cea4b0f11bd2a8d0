"""Networks that learn at once, against each by itself."""

import pytest
import torch

from benchmarks.transfer.stack import Stack
from taskzoo.params import ProbeParams
from taskzoo.probe.network import Probe, build_probe, create_backbone
from taskzoo.probe.training import Recipe, accuracy, fit


def made(backbone: str) -> list[Probe]:
    """Return three float64 networks of different weights."""
    params, out = ProbeParams(backbone=backbone, image_size=32), []
    for seed in range(3):
        torch.manual_seed(seed)
        out.append(build_probe(params, 4, create_backbone(backbone, 32).state_dict()).double())
    return out


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet"])
def test_each_network_learns_as_by_itself(backbone: str, frozen: bool) -> None:
    recipe = Recipe(steps=3, batch_size=4, learning_rate=1e-3, frozen_batch_norm=frozen)
    torch.manual_seed(9)
    images, labels = torch.randn(2, 8, 3, 32, 32).double(), torch.stack([torch.arange(8) % 4, torch.arange(8) // 2])
    alone = made(backbone)
    stack = Stack(made(backbone)[0], [each.state_dict() for each in made(backbone)])
    stack.fit(images, labels, torch.tensor([0, 1, 1]), recipe, seeds=[3, 4])
    for number, (network, own) in enumerate(zip(alone, (0, 1, 1), strict=True)):
        fit(network, images[own], labels[own], recipe, seed=3 + own)
        state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
        for name, value in {**stack._weights, **stack._buffers}.items():
            assert torch.allclose(value[number], state[name], rtol=1e-8, atol=1e-10), name
    test, answers = torch.randn(20, 3, 32, 32).double(), torch.randint(4, (20,))
    assert stack.accuracies(test, answers) == pytest.approx([accuracy(each, test, answers) for each in alone])
