"""How a task's images look, to the network that all probes start from and by their pixels: no label is needed."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from taskzoo.data.pixels import pixel_statistics
from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation
from taskzoo.params import ProbeParams
from taskzoo.probe.network import normalise
from taskzoo.probe.training import in_batches

SKETCH_SIZE = 128
SKETCH_SEED = 71  # One for all: sketches are compared, so that they must be projected alike.
Array = npt.NDArray[np.float64]


class Cloud(BaseModel):
    """Where a task's images lie among others, by some numbers of each.

    Attributes:
        mean: Of each number, [D].
        variance: Summed over the numbers.
        images: How many were looked at.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mean: tuple[float, ...] = Field(min_length=1)
    variance: float = Field(ge=0)
    images: int = Field(ge=2)


class Appearance(BaseModel):
    """How a task's images look, and into how many kinds it sorts them.

    Attributes:
        features: To the initial state's network.
        pixels: By colour, contrast and roughness.
        classes: Of the task; 0 where its target is numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: Cloud
    pixels: Cloud
    classes: int = Field(ge=0)


def appearance(draws: Sequence[Observation]) -> Appearance:
    """Take the appearance of a task from what the initial state shows of its images.

    Args:
        draws: The initial state on the task, once for each draw of images.

    Returns:
        The appearance over all draws.
    """
    return Appearance(
        features=cloud([each.pooled for each in draws]),
        pixels=cloud([each.pixels for each in draws]),
        classes=draws[0].classes,
    )


def look(backbone: nn.Module, images: npt.NDArray[np.uint8], classes: int, probe: ProbeParams) -> Appearance:
    """Take the appearance of a task before anything is observed of it.

    Args:
        backbone: Of the initial state.
        images: [N, 3, H, W].
        classes: Of the task.
        probe: How images are brought into the network's form.

    Returns:
        The appearance of these images.
    """
    features = in_batches(backbone, normalise(images, probe))
    pixels = torch.from_numpy(pixel_statistics(images))
    return Appearance(features=cloud([features]), pixels=cloud([pixels]), classes=classes)


def cloud(rows: Sequence[Tensor]) -> Cloud:
    """Return mean and variance of images' numbers, [N, D] for each draw."""
    whole = np.concatenate([each.double().numpy() for each in rows])
    return Cloud(mean=tuple(whole.mean(0)), variance=float(whole.var(0, ddof=1).sum()), images=len(whole))


def unlikeness(source: Cloud, target: Cloud) -> float:
    """Return how far apart two tasks' images are, in spreads of the target's.

    The maximum mean discrepancy with a linear kernel, without the bias of few images (Gretton et al. 2012, lemma 6):
    its square may fall below zero where two sets look alike, and counts as zero then.

    Args:
        source: The one.
        target: The other, whose spread is the unit.

    Returns:
        Zero or more.

    Raises:
        InputError: If they have another number of numbers.
    """
    if len(source.mean) != len(target.mean):
        raise InputError(
            f"two appearances have {len(source.mean)} and {len(target.mean)} features; expected as many, of one probe; "
            "register the tasks again with the present probe."
        )
    apart = float(np.square(np.subtract(source.mean, target.mean)).sum())
    by_chance = source.variance / source.images + target.variance / target.images
    return float(np.sqrt(max(apart - by_chance, 0) / (target.variance or 1.0)))


@dataclass(frozen=True)
class Sketches:
    """What tags keep of the appearances of n tasks.

    Attributes:
        features: A random projection of the features' means, [n, SKETCH_SIZE].
        pixels: The pixels' means, [n, P].
        classes: How many each task has, [n].
    """

    features: Array
    pixels: Array
    classes: Array

    def __getitem__(self, rows: Sequence[int]) -> "Sketches":
        """Return those of some tasks."""
        return Sketches(self.features[rows], self.pixels[rows], self.classes[rows])


def sketch(one: Appearance) -> str:
    """Return an appearance short enough for a tag; distances between projected means are right to about 6 %.

    Args:
        one: The appearance.

    Returns:
        SKETCH_SIZE numbers of the features, those of the pixels, and the number of classes, in base64.
    """
    mean = np.array(one.features.mean)
    projection = np.random.default_rng(SKETCH_SEED).standard_normal((SKETCH_SIZE, len(mean)))
    numbers = np.concatenate([projection @ mean / np.sqrt(SKETCH_SIZE), one.pixels.mean, [one.classes]])
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


def read_sketches(tags: Sequence[str]) -> Sketches:
    """Return sketches as arrays; no rows where there is none."""
    content = b"".join(base64.b64decode(tag) for tag in tags)
    rows = np.frombuffer(content, dtype="<f4").astype(np.float64).reshape(len(tags), -1 if tags else SKETCH_SIZE + 1)
    return Sketches(rows[:, :SKETCH_SIZE], rows[:, SKETCH_SIZE:-1], rows[:, -1])
