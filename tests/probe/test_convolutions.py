"""Fast convolutions compute what plain ones do, and leave a network as it was."""

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.probe.convolutions import fast_convolutions

FAMILIES = ("test_resnet", "test_efficientnet", "test_convnext", "test_vit")
SIDES = {"test_vit": 160}  # The only size it takes.


def gradients(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Return the gradient of every weight for a loss that is not symmetric."""
    network.zero_grad()
    out = network(images)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).reshape(out.shape)).sum().backward()
    return {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("name", FAMILIES)
def test_same_gradients_and_nothing_left_behind(name: str) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=3).double().eval()
    images = torch.randn(2, 3, SIDES.get(name, 32), SIDES.get(name, 32), dtype=torch.float64)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    expected = gradients(network, images)
    with fast_convolutions(network):
        found = gradients(network, images)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-9, atol=1e-9 * float(value.abs().max()))
    assert all(value.is_contiguous() for value in network.state_dict().values())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any("forward" in vars(module) for module in network.modules())


@pytest.mark.parametrize("kernel", [3, 5, (3, 5)])
@pytest.mark.parametrize("side", [1, 2, 4, 6])
@pytest.mark.parametrize("bias", [True, False])
def test_depthwise(kernel: int | tuple[int, int], side: int, bias: bool) -> None:
    torch.manual_seed(1)
    shape = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (shape[0] // 2, shape[1] // 2)
    layer = nn.Conv2d(7, 7, shape, padding=padding, groups=7, bias=bias).double()
    images = torch.randn(5, 7, side, side, dtype=torch.float64, requires_grad=True)
    plain = functional.conv2d(images, layer.weight, layer.bias, padding=padding, groups=7)
    cotangent = torch.randn_like(plain)
    wanted = [images, *layer.parameters()]
    expected = torch.autograd.grad(plain, wanted, cotangent)
    with fast_convolutions(layer):
        out = layer(images)
        assert ("_SmallMaps" in str(graph(out))) == (side < min(shape))
        found = torch.autograd.grad(out, wanted, cotangent)
    torch.testing.assert_close(out, plain)
    torch.testing.assert_close(found, expected)


def graph(out: Tensor) -> list[str]:
    """Return the names of the two last operations of a graph."""
    last = out.grad_fn
    assert last is not None
    return [last.name(), *(before.name() for before, _ in last.next_functions if before is not None)]


def test_a_failure_within_restores_the_network() -> None:
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=4)
    with pytest.raises(RuntimeError), fast_convolutions(layer):
        layer(torch.zeros(1, 5, 2, 2))
    assert "forward" not in vars(layer)
    assert layer.weight.is_contiguous()
