"""Likelihoods of images: against torch's distributions, and the exact Fisher through convolutional decoders."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical as Classes
from torch.distributions import Laplace as LaplaceErrors
from torch.distributions import Normal

from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import Labels, fisher
from taskzoo.fisher.reference import reference_fisher
from taskzoo.likelihood import Gaussian, Laplace, Likelihood, PixelCategorical
from tests.fisher.cases import batch, error

SIDE, CHANNELS, CLASSES = 8, 2, 3
LIKELIHOODS: dict[str, Likelihood] = {"gaussian": Gaussian(0.5), "laplace": Laplace(0.5), "pixels": PixelCategorical()}


class EncoderDecoder(nn.Module):
    """Down by strides, up by a transposed convolution and by interpolation, with a skip between.

    Args:
        outputs: Channels of the last layer.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1)
        self.skip = nn.Conv2d(6, 6, 1)
        self.last = nn.Conv2d(6, outputs, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return an image of the same size."""
        fine = self.norm(self.first(images)).relu()
        coarse = self.second(fine).relu()
        merged = (self.up(coarse) + self.skip(fine)).relu()
        larger = nn.functional.interpolate(merged, scale_factor=2, mode="bilinear", align_corners=False)
        outputs: Tensor = self.last(larger)
        return outputs


def network(name: str) -> nn.Module:
    """Build one for a likelihood, its statistics not trivial."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        built = EncoderDecoder(CLASSES if name == "pixels" else CHANNELS).double().eval()
        for key, buffer in built.named_buffers():
            if key != "norm.num_batches_tracked":
                buffer.uniform_(0.5, 1.5)
    return built


def targets_of(name: str, count: int) -> Tensor:
    """Draw targets of which some pixels are missing, of one image all but one."""
    generator = torch.Generator().manual_seed(5)
    gone = torch.rand(count, 1, SIDE, SIDE, generator=generator) < 0.3
    gone[0] = True
    gone[0, :, 2, 3] = False
    if name == "pixels":
        return torch.randint(CLASSES, (count, SIDE, SIDE), generator=generator).where(~gone[:, 0], -1)
    drawn = torch.randn(count, CHANNELS, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return drawn.where(~gone, math.nan)


@pytest.mark.parametrize("labels", ["data", "model"])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_fisher_through_a_decoder_agrees_with_the_reference(name: str, labels: Labels) -> None:
    likelihood, images = LIKELIHOODS[name], batch(5, SIDE)[0].double()
    targets = targets_of(name, 5)
    built = network(name)
    take = partial(fisher, built, likelihood=likelihood, labels=labels, generator=torch.Generator().manual_seed(1))
    found = take([(images[:3], targets[:3]), (images[3:], targets[3:])])
    if labels == "model":
        with torch.no_grad():
            drawn = likelihood.draw(built(images), 1, torch.Generator().manual_seed(1))[0]
        gone = targets < 0 if name == "pixels" else targets.isnan()
        targets = torch.where(gone, targets, drawn)
    assert error(found, reference_fisher(built, images, targets, likelihood)) < 1e-12
    assert not found.provenance.one_by_one


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_loss_is_that_of_torchs_distributions(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 2, CLASSES, 4, 4, generator=generator, dtype=torch.float64)
    if name == "pixels":
        targets = torch.randint(CLASSES, (2, 4, 4), generator=generator)

        def distribution(outputs: Tensor) -> Any:
            return Classes(logits=outputs.movedim(1, -1))
    else:
        targets = torch.randn(2, CLASSES, 4, 4, generator=generator, dtype=torch.float64)

        def distribution(outputs: Tensor) -> Any:
            errors = Normal if name == "gaussian" else LaplaceErrors
            return errors(outputs, torch.tensor(0.5).double())

    # A constant may differ, the same for all outputs.
    found = LIKELIHOODS[name].negative_log(first, targets) - LIKELIHOODS[name].negative_log(second, targets)
    wanted = (distribution(second).log_prob(targets) - distribution(first).log_prob(targets)).flatten(1).mean(1)
    assert torch.allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_missing_pixel_says_nothing_and_leaves_the_denominator(name: str) -> None:
    outputs = torch.randn(1, CLASSES, 1, 2, dtype=torch.float64, requires_grad=True)
    targets = torch.zeros(1, 1, 2, dtype=torch.int64) if name == "pixels" else torch.zeros(1, CLASSES, 1, 2).double()
    whole = torch.autograd.grad(LIKELIHOODS[name].negative_log(outputs, targets).sum(), outputs)[0]
    targets[..., 1] = -1 if name == "pixels" else math.nan
    part = torch.autograd.grad(LIKELIHOODS[name].negative_log(outputs, targets).sum(), outputs)[0]
    assert torch.equal(part[..., 1], torch.zeros(1, CLASSES, 1, dtype=torch.float64))
    assert torch.equal(part[..., 0], whole[..., 0])


def test_drawn_numbers_have_the_outputs_for_mean_and_the_likelihoods_spread() -> None:
    outputs = torch.full((4, 1, 50, 50), 2.0)
    for likelihood, variance in ((Gaussian(0.5), 0.25), (Laplace(0.5), 2 * 0.25)):
        drawn = torch.stack(list(likelihood.draw(outputs, 2, torch.Generator().manual_seed(0))))
        assert drawn.mean() == pytest.approx(2.0, abs=0.02)
        assert drawn.var() == pytest.approx(variance, rel=0.05)


def test_drawn_classes_come_as_often_as_the_softmax_says() -> None:
    outputs = torch.tensor([0.5, 0.3, 0.2]).log()[None, :, None, None].expand(4, 3, 50, 50)
    (drawn,) = PixelCategorical().draw(outputs, 1, torch.Generator().manual_seed(0))
    assert [float((drawn == each).float().mean()) for each in range(3)] == pytest.approx([0.5, 0.3, 0.2], abs=0.02)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_draws_do_not_depend_on_the_batches(name: str) -> None:
    outputs = torch.randn(4, CLASSES, 3, 3)
    whole = LIKELIHOODS[name].draw(outputs, 2, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    parts = [LIKELIHOODS[name].draw(part, 2, generator) for part in torch.split(outputs, [1, 3])]
    for draw in range(2):
        assert torch.equal(torch.cat([part[draw] for part in parts]), whole[draw])


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_outcomes_that_cannot_be_counted_out_are_refused(name: str) -> None:
    data = [(batch(2, SIDE)[0].double(), targets_of(name, 2))]
    with pytest.raises(InputError, match="cannot be counted out; expected 'data' or 'model'"):
        fisher(network(name), data, LIKELIHOODS[name], labels="expected")
