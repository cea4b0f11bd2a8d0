"""The interval of a distance between two Fishers, by the jackknife over blocks of images.

It is taken on the square of the distance: few images make every Fisher look farther from the other than it is, by a
term that falls as 1/images in the square and that the jackknife removes there; the root keeps part of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from taskzoo.fisher.check import Diagonal, check_fisher

Distance = Callable[[Diagonal, Diagonal], float]
MOST = 16  # Blocks kept: more are merged in pairs.
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
