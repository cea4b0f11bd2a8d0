"""What the network's outputs say of a sample's target: the likelihood whose gradients the Fisher squares.

A target is a class, or an image: one number or class a pixel, summed over the pixels that have one. Their sum is
divided by the number of all pixels and channels, a constant: it vanishes from every Fisher of unit trace, keeps losses
of image sizes alike, and does not let an image with few valid pixels count more than others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.errors import InputError


class Likelihood(Protocol):
    """A distribution of targets given a network's outputs."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(target | output) of each sample, [N]."""

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw ``count`` targets a sample, sample after sample: [N] each; ``generator`` is on the CPU."""

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Return all targets there can be, [N] each, with their probabilities [N]."""


class Categorical:
    """Classes; outputs are logits [N, K], targets int64 [N], or soft labels [N, K] that sum to 1."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of each sample."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw labels by inversion: so many numbers a sample, so that the draw does not depend on the batches."""
        steps = outputs.double().softmax(1).cumsum(1)
        uniform = torch.rand(len(outputs), count, dtype=torch.float64, generator=generator).to(outputs.device)
        return [(steps < each[:, None] * steps[:, -1:]).sum(1) for each in uniform.unbind(1)]

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Return every class with its probability."""
        probabilities = outputs.softmax(1)
        classes = range(outputs.shape[1])
        return [
            (torch.full_like(probabilities[:, 0], each, dtype=torch.int64), probabilities[:, each]) for each in classes
        ]


@dataclass(frozen=True)
class Gaussian:
    """Numbers with normal errors; outputs and targets are [N, C, H, W], a target is NaN where it is missing.

    Attributes:
        deviation: Standard deviation of the errors, above 0. That of a task's targets makes tasks comparable.
    """

    deviation: float = 1.0

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return half the squared errors in units of the deviation, averaged, without the constant."""
        return _mean(_errors(outputs, targets).square() / 2, self.deviation**2)

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw images around the outputs, by inversion: torch's normal numbers depend on how many are drawn."""
        centred = _centred(outputs, count, generator)
        noise = (math.sqrt(2) * torch.special.erfinv(2 * centred)).to(outputs)
        return [outputs + self.deviation * each for each in noise.unbind(1)]

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Refuse: there are endless ones."""
        raise _endless("numbers")


@dataclass(frozen=True)
class Laplace:
    """Numbers with errors of heavier tails, which training by the mean absolute error stands for.

    Attributes:
        scale: Mean absolute error b, above 0.
    """

    scale: float = 1.0

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the absolute errors in units of the scale, averaged, without the constant."""
        return _mean(_errors(outputs, targets).abs(), self.scale)

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw images around the outputs, by inversion."""
        centred = _centred(outputs, count, generator)
        noise = (-centred.sign() * torch.log1p(-2 * centred.abs())).to(outputs)
        return [outputs + self.scale * each for each in noise.unbind(1)]

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Refuse: there are endless ones."""
        raise _endless("numbers")


class PixelCategorical:
    """A class a pixel; outputs are logits [N, K, H, W], targets int64 [N, H, W], negative where one is missing."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of the pixels, averaged over all of them."""
        wanted = targets.where(~missing(targets), IGNORED)
        return _mean(functional.cross_entropy(outputs, wanted, reduction="none", ignore_index=IGNORED), 1.0)

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> Sequence[Tensor]:
        """Draw every pixel's class by inversion."""
        steps = outputs.double().softmax(1).cumsum(1)
        size = (len(outputs), count, 1, *outputs.shape[2:])
        uniform = torch.rand(size, dtype=torch.float64, generator=generator).to(outputs.device)
        return [(steps < each * steps[:, -1:]).sum(1) for each in uniform.unbind(1)]

    def outcomes(self, outputs: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """Refuse: they are too many."""
        raise _endless("a class a pixel")


IGNORED = -100
EDGE = 2.0**-53  # A number of probability zero is drawn once in so many.


def missing(targets: Tensor) -> Tensor:
    """Tell where targets are missing: NaN among numbers, negative among classes; bool, of the same shape."""
    return targets.isnan() if targets.is_floating_point() else targets < 0


def _centred(outputs: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Draw uniform numbers in (-1/2, 1/2), float64 [N, count, C, H, W], sample after sample."""
    size = (len(outputs), count, *outputs.shape[1:])
    return (torch.rand(size, dtype=torch.float64, generator=generator) - 0.5).clamp(min=EDGE - 0.5)


def _errors(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return outputs - targets, zero where the target is missing."""
    gone = missing(targets)
    return (outputs - targets.where(~gone, 0)).where(~gone, 0)


def _mean(values: Tensor, unit: float) -> Tensor:
    """Return the mean of each sample's values in a unit, [N]."""
    return values.flatten(1).mean(1) / unit


def _endless(what: str) -> InputError:
    return InputError(
        f"labels is 'expected' for a likelihood of {what}, whose outcomes cannot be counted out; expected 'data' or "
        "'model' there; choose one."
    )
