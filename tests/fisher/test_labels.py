"""Where targets come from: the data, draws from the network's prediction, all classes at their probability."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import fisher
from tests.fisher.cases import batch, batches, build, error


def softmax_regression(inputs: int = 4, classes: int = 3) -> nn.Module:
    """Build a network whose Fisher is known in closed form."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes)).double()


def points(count: int) -> Tensor:
    """Draw inputs for it."""
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_data_labels_of_softmax_regression() -> None:
    network = softmax_regression()
    x, labels = points(7), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    slopes = network(x).softmax(1) - torch.eye(3)[labels]
    found = fisher(network, [(x, labels)])
    assert torch.allclose(found["1.weight"], (slopes[:, :, None] * x[:, None]).square().mean(0), rtol=1e-12)
    assert torch.allclose(found["1.bias"], slopes.square().mean(0), rtol=1e-12)


def test_expected_labels_of_softmax_regression() -> None:
    network = softmax_regression()
    x = points(7)
    shares = network(x).softmax(1)
    variances = shares * (1 - shares)  # Of each class's slope.
    found = fisher(network, [(x, torch.zeros(7))], labels="expected")
    assert torch.allclose(found["1.weight"], (variances[:, :, None] * x[:, None].square()).mean(0), rtol=1e-12)
    assert torch.allclose(found["1.bias"], variances.mean(0), rtol=1e-12)


def test_a_class_that_never_comes_weighs_nothing() -> None:
    network = softmax_regression()
    with torch.no_grad():
        network.get_parameter("1.bias")[0] = -1e4
    found = fisher(network, [(points(3), torch.zeros(3))], labels="expected")
    assert found["1.bias"][0] == 0
    assert found["1.bias"][1] > 0


def test_model_labels_are_drawn_from_the_softmax() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    with torch.no_grad():
        network.get_parameter("1.weight").zero_()
        network.get_parameter("1.bias").copy_(torch.tensor([3.0, 1.0]).log())  # Probabilities 3/4 and 1/4.
    data = [(torch.ones(5000, 1), torch.zeros(5000))] * 4
    found = fisher(network, data, labels="model", generator=seeded())
    # E[g^2] = 3/4 (1/4)^2 + 1/4 (3/4)^2 = 3/16, the softmax's variance; its standard error is 0.6% of it.
    assert found["1.bias"].tolist() == pytest.approx([3 / 16, 3 / 16], rel=0.02)


def test_many_draws_come_to_the_expectation() -> None:
    network = build("conv").double()
    images, labels = batch(4)
    data = [(images.double(), labels)]
    wanted = fisher(network, data, labels="expected")
    errors = [
        error(fisher(network, data, labels="model", draws=draws, generator=seeded()), wanted) for draws in (5, 2000)
    ]
    assert errors[0] > 0.1  # So few draws are far from it.
    assert errors[1] < 0.1


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("sizes", [(4,), (1,), (5, 2)])
def test_drawn_labels_do_not_depend_on_the_batches(sizes: tuple[int, ...], draws: int) -> None:
    network = build("conv").double()
    images, labels = batch(9)
    options: dict[str, Any] = {"labels": "model", "draws": draws}
    wanted = fisher(network, [(images.double(), labels)], **options, generator=seeded())
    found = fisher(network, batches(images.double(), labels, *sizes), **options, generator=seeded())
    assert error(found, wanted) < 1e-12
    other = fisher(network, [(images.double(), labels)], **options, generator=seeded(1))
    assert error(other, wanted) > 1e-2


def test_drawn_labels_come_from_the_global_generator_where_none_is_given() -> None:
    network, (images, labels) = build("conv"), batch(6)
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append(fisher(network, [(images, labels)], labels="model"))
    assert error(found[0], found[1]) == 0
    assert error(found[0], found[2]) > 1e-2


def test_provenance_tells_the_rule() -> None:
    network, (images, labels) = build("conv"), batch(6)
    found = fisher(network, batches(images, labels, 4), labels="model", draws=2, generator=seeded()).provenance
    assert (found.labels, found.draws, found.samples, found.likelihood) == ("model", 2, 6, "Categorical")
    assert (found.precision, found.device, found.torch) == ("float32", "cpu", torch.__version__)


class Gaussian:
    """Targets [N] around the first output, variance one."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).square() / 2

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> list[Tensor]:
        return [outputs[:, 0] + torch.randn(len(outputs), generator=generator) for _ in range(count)]

    def outcomes(self, outputs: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Give two targets with the distribution's mean and variance."""
        half = torch.full_like(outputs[:, 0], 0.5)
        return [(outputs[:, 0] + 1, half), (outputs[:, 0] - 1, half)]


def test_another_likelihood() -> None:
    network, x = softmax_regression(classes=1), points(7)
    targets = torch.arange(7).double()
    found = fisher(network, [(x, targets)], Gaussian())
    slopes = network(x)[:, 0] - targets
    assert torch.allclose(found["1.weight"][0], (slopes[:, None] * x).square().mean(0), rtol=1e-12)
    assert found.provenance.likelihood == "Gaussian"
    expected = fisher(network, [(x, targets)], Gaussian(), labels="expected")
    assert torch.allclose(expected["1.weight"][0], x.square().mean(0), rtol=1e-12)
    assert expected["1.bias"].item() == pytest.approx(1)


@pytest.mark.parametrize("labels", ["data", "model", "expected"])
def test_outputs_that_are_not_finite_are_named(labels: Any) -> None:
    images, targets = batch(2)
    with pytest.raises(InputError, match="outputs are not finite"):
        fisher(build("conv"), [(images * float("nan"), targets)], labels=labels)
