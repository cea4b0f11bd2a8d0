"""How many images a distance between two Fishers needs: an interval around it, narrowing as images stream by.

The interval is the jackknife's over blocks of images, on the square of the distance: few images make every Fisher
look farther from the other than it is, by a term that falls as 1/images in the square and that the jackknife
removes there; the root keeps part of it. No interval knows of images that have not come: where few images carry
most of a Fisher, as the wrongly classified ones of a sure network do, blocks weigh unlike, and nothing is called
resolved.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.check import Diagonal, check_fisher
from taskzoo.fisher.engine import Engine, Targets
from taskzoo.fisher.evaluation import ready
from taskzoo.likelihood import Categorical, Likelihood

Distance = Callable[[Diagonal, Diagonal], float]
MOST = 16  # Blocks kept: more are merged in pairs.
FEWEST = 12  # Blocks that an interval is made of: fewer stop too early, by a spread that is small by chance.
EVEN = 0.8  # Least evenness of the blocks: below, rare images decide, and the interval is too narrow.


@dataclass(frozen=True)
class Block:
    """Sums of two networks' squared gradients over some images.

    Attributes:
        sums: Of the first network and of the second, by parameter name.
        images: Their number.
        batches: In which they came.
    """

    sums: Sequence[Diagonal]
    images: int
    batches: int = 1

    def __add__(self, other: "Block") -> "Block":
        """Return the sums over both blocks' images."""
        return Block(self._with(other, torch.add), self.images + other.images, self.batches + other.batches)

    def __sub__(self, other: "Block") -> "Block":
        """Return the sums over the images that are not the other block's."""
        sums = self._with(other, lambda whole, part: (whole - part).clamp_min_(0))
        return Block(sums, self.images - other.images, self.batches - other.batches)

    def double(self) -> "Block":
        """Return the same in float64."""
        return Block(self._with(self, lambda value, _: value.double()), self.images, self.batches)

    def averages(self) -> list[Diagonal]:
        """Return both networks' diagonals."""
        return self._with(self, lambda value, _: value / self.images)

    def traces(self) -> list[float]:
        """Return the sums of the diagonals."""
        return [float(sum(value.sum() for value in sums.values())) / self.images for sums in self.sums]

    def _with(self, other: "Block", function: Callable[[Tensor, Tensor], Tensor]) -> list[Diagonal]:
        pairs = zip(self.sums, other.sums, strict=True)
        return [{name: function(ours[name], theirs[name]) for name in ours} for ours, theirs in pairs]


@dataclass(frozen=True)
class Point:
    """What is known of the distance after some images.

    Attributes:
        images: Their number.
        distance: Corrected for the bias of so few images.
        low: Lower end of the interval.
        high: Upper end.
        plain: The distance of the two averages as they are.
        evenness: Of the blocks' traces, that of the less even network: (sum)^2 / (blocks x sum of squares), at most 1.
    """

    images: int
    distance: float
    low: float
    high: float
    plain: float
    evenness: float

    def settles(self, tolerance: float) -> bool:
        """Tell whether the distance is known to a tolerance."""
        return self.low == self.high or (self.high - self.low < 2 * tolerance and self.evenness >= EVEN)


@dataclass(frozen=True)
class Resolution:
    """How a distance became known.

    Attributes:
        points: Ever more images; the last is the result.
        resolved: Whether the last interval's half-width is below the tolerance, with blocks that weigh alike.
    """

    points: tuple[Point, ...]
    resolved: bool


class Blocks:
    """At most ``MOST`` blocks of equally many batches; the last may have fewer."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._size = 1  # Batches a block.

    @property
    def images(self) -> int:
        """Of all blocks."""
        return sum(block.images for block in self.blocks)

    @property
    def batches(self) -> int:
        """Of all blocks."""
        return sum(block.batches for block in self.blocks)

    @property
    def whole(self) -> bool:
        """Whether the last block has all its batches."""
        return not self.blocks or self.blocks[-1].batches == self._size

    def add(self, batch: Block) -> None:
        """Add the sums of one batch."""
        if not self.whole:
            self.blocks[-1] += batch
            return
        if len(self.blocks) == MOST:
            self.blocks = [one + other for one, other in zip(self.blocks[::2], self.blocks[1::2], strict=True)]
            self._size *= 2
            self.add(batch)
            return
        self.blocks.append(batch)

    def point(self, distance: Distance, confidence: float) -> Point:
        """Estimate the distance by the delete-one-block jackknife for blocks of unlike size (Busing et al. 1999).

        Args:
            distance: Of two diagonals, float64 on the CPU.
            confidence: Of the interval, in (0, 1).

        Returns:
            The estimate; networks whose diagonal is not finite or zero everywhere are refused.
        """
        total = reduce(Block.__add__, (block.double() for block in self.blocks))
        for number, values in enumerate(total.sums, 1):
            check_fisher(values, f"the Fisher of network {number}")
        plain = distance(*total.averages())
        without = np.array([distance(*(total - block).averages()) for block in self.blocks])
        parts = total.images / np.array([block.images for block in self.blocks])
        pseudo = parts * plain**2 - (parts - 1) * without**2
        middle = float((pseudo / parts).sum())
        error = math.sqrt(float((np.square(pseudo - middle) / (parts - 1)).mean()))
        half = float(student.ppf((1 + confidence) / 2, len(self.blocks) - 1)) * error
        middle = max(middle, 0.0)
        return Point(
            images=total.images,
            distance=math.sqrt(middle),
            low=math.sqrt(max(middle - half, 0.0)),
            high=math.sqrt(middle + half),
            plain=plain,
            evenness=self._evenness(),
        )

    def _evenness(self) -> float:
        """Return the less even network's: 1 if all blocks weigh the same, 1 / blocks if one is all."""
        traces = np.array([block.traces() for block in self.blocks])
        return float((traces.sum(0) ** 2 / np.square(traces).sum(0)).min()) / len(traces)


def track(batches: Iterable[Block], distance: Distance, tolerance: float, confidence: float = 0.95) -> Resolution:
    """Add batches until the distance is known to a tolerance.

    Args:
        batches: Sums of each batch, images in random order.
        distance: Of two diagonals, at least 0.
        tolerance: Half the width of the interval that is narrow enough.
        confidence: Of the interval, in (0, 1).

    Returns:
        A point for each completed block, from ``FEWEST`` blocks on, up to the first that settles the distance; where
        none does, a last one of all images.

    Raises:
        InputError: If there are fewer batches than ``FEWEST``, or tolerance or confidence are no such numbers.
    """
    if not (tolerance > 0 and 0 < confidence < 1):
        raise InputError(
            f"tolerance is {tolerance} and confidence {confidence}; expected a positive one and one between 0 and 1; "
            "correct them."
        )
    blocks, points = Blocks(), list[Point]()
    for batch in batches:
        blocks.add(batch)
        if blocks.whole and len(blocks.blocks) >= FEWEST:
            points.append(blocks.point(distance, confidence))
            if points[-1].settles(tolerance):
                return Resolution(tuple(points), True)
    if blocks.batches < FEWEST:
        raise InputError(
            f"data holds {blocks.batches} batches; expected at least {FEWEST}, whose spread tells how well the "
            "distance is known; give smaller batches or more images."
        )
    if not points or points[-1].images < blocks.images:
        points.append(blocks.point(distance, confidence))
    return Resolution(tuple(points), points[-1].settles(tolerance))


def resolve_distance(
    first: nn.Module,
    second: nn.Module,
    data: Iterable[tuple[Tensor, Tensor]],
    distance: Distance,
    tolerance: float,
    *,
    confidence: float = 0.95,
    likelihood: Likelihood | None = None,
    labels: Literal["data", "expected"] = "data",
    parameters: Collection[str] | None = None,
) -> Resolution:
    """Take two networks' Fishers on the same images until their distance is known to a tolerance.

    The interval is of the distance that endless images of the same kind would give. Memory holds ``MOST`` sums of
    each network, however many images there are. Networks whose parameters differ are refused, with what ``track``
    refuses.

    Args:
        first: Maps inputs [N, ...] to outputs.
        second: Of the same architecture.
        data: Batches of inputs [N, ...] and targets [N, ...], images in random order.
        distance: Of the first's and the second's diagonal, at least 0.
        tolerance: Half the width of the interval that is narrow enough.
        confidence: Of the interval, in (0, 1).
        likelihood: Of the outputs; class labels under logits [N, K] where left out.
        labels: The data's, or every class at its probability, which needs fewer images and a backward pass a class.
        parameters: Names of the parameters compared; all of the first's that require a gradient where left out.

    Returns:
        The distance after ever more images, and whether it was resolved.
    """
    names = _common(first, second, parameters)
    likelihood = Categorical() if likelihood is None else likelihood
    with ready(first, names), ready(second, names):
        sums = _batches((first, second), names, likelihood, labels == "expected", data)
        return track(sums, distance, tolerance, confidence)


def _batches(
    models: Sequence[nn.Module],
    names: list[str],
    likelihood: Likelihood,
    expected: bool,
    data: Iterable[tuple[Tensor, Tensor]],
) -> Iterator[Block]:
    """Yield the sums of each batch, on the CPU."""
    engines: list[Engine] = []
    devices = [next(model.parameters()).device for model in models]
    for inputs, targets in data:
        if not len(inputs):
            continue
        if not engines:
            pairs = zip(models, devices, strict=True)
            engines = [Engine(model, names, likelihood, inputs.to(device)) for model, device in pairs]
        sums = [
            _sums(engine, inputs.to(device), None if expected else targets.to(device))
            for engine, device in zip(engines, devices, strict=True)
        ]
        yield Block(sums, len(inputs))


def _sums(engine: Engine, inputs: Tensor, targets: Tensor | None) -> Diagonal:
    """Return one network's sums, with all targets there can be where none are given."""

    def choose(outputs: Tensor) -> Targets:
        return list(engine.likelihood.outcomes(outputs)) if targets is None else [(targets, None)]

    sums = engine.sums(inputs, choose)
    return {name: value.cpu() for name, value in sums.items()}


def _common(first: nn.Module, second: nn.Module, parameters: Collection[str] | None) -> list[str]:
    """Return the names to compare, in the first network's order.

    Raises:
        InputError: If one of them is not, or not in the same shape, in both.
    """
    ours, theirs = dict(first.named_parameters()), dict(second.named_parameters())
    if parameters is None:
        parameters = [name for name, value in ours.items() if value.requires_grad]
    for name in parameters:
        if name not in ours or name not in theirs or ours[name].shape != theirs[name].shape:
            raise InputError(
                f"the parameter {name!r} is not of the same shape in both networks; expected one architecture; "
                "correct parameters, or build both networks alike."
            )
    return [name for name in ours if name in set(parameters)]
