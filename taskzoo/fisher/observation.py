"""What source a's backbone shows of target b, in memory and on disk: all that measures of distance need."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from taskzoo.errors import InputError
from taskzoo.files import write_bytes
from taskzoo.fisher.check import Diagonal, check_fisher
from taskzoo.fisher.summary import FisherProvenance, damage

PREFIX = "fisher."
Array = npt.NDArray[np.float64]


class Record(BaseModel):
    """What an observation's file says of it.

    Attributes:
        provenance: Where it comes from.
        classes: Number of the target's classes; 0 where it is a number.
        key: Content hash of all that it depends on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenance: FisherProvenance
    classes: int
    key: str


@dataclass(frozen=True)
class Observation:
    """Source a's backbone on target b's images.

    Attributes:
        fisher: Diagonal by name of the backbone's parameter.
        features: float32 [n, D], of n samples: training images, or single pixels of them under a dense target.
        pooled: float32 [k, E], features of k training images as a whole; the samples' own where those are images.
        pixels: float32 [k, 7], statistics of the same images' pixels.
        gram: float32 [m, m], inner products of the gradients of the first m samples, every parameter tensor alike.
        labels: int64 [n], or float32 [n, C] where the target is numbers.
        classes: Number of the target's classes; 0 where it is numbers.
        provenance: Says where it comes from.
    """

    fisher: Diagonal
    features: Tensor
    pooled: Tensor
    pixels: Tensor
    gram: Tensor
    labels: Tensor
    classes: int
    provenance: FisherProvenance

    @cached_property
    def diagonal(self) -> dict[str, Array]:
        """The Fisher as float64 arrays, converted once for all measures."""
        return {name: value.double().numpy() for name, value in self.fisher.items()}

    @property
    def responses(self) -> Array:
        """What is to be predicted of each sample, float64 [n, C]: one-hot classes, or the numbers."""
        labels: Array = self.labels.double().numpy()
        return np.eye(self.classes)[self.labels.numpy()] if self.classes else labels

    @property
    def source(self) -> str:
        """The task the backbone was trained on."""
        return self.provenance.source

    @property
    def target(self) -> str:
        """The task whose images were used."""
        return self.provenance.target

    @property
    def repeat(self) -> int:
        """Which training and draw of images, from 0."""
        return self.provenance.repeat


def save_observation(path: Path, observation: Observation, key: str) -> None:
    """Write an observation to one safetensors file, float32, atomically.

    Args:
        path: Where.
        observation: What.
        key: Content hash of all that it depends on; tells later runs that it is done.
    """
    tensors = {PREFIX + name: value.float().contiguous() for name, value in observation.fisher.items()}
    tensors |= {"features": observation.features.float().contiguous(), "labels": observation.labels}
    if observation.pooled is not observation.features:
        tensors["pooled"] = observation.pooled.float().contiguous()
    tensors["pixels"] = observation.pixels.float().contiguous()
    tensors["gram"] = observation.gram.float().contiguous()
    record = Record(provenance=observation.provenance, classes=observation.classes, key=key)
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {"record": record.model_dump_json()}
    write_bytes(path, save(tensors, metadata))


def load_observation(path: Path) -> Observation:
    """Read and check an observation.

    Args:
        path: A file that ``save_observation`` wrote.

    Returns:
        The observation; its Fisher is float32.

    Raises:
        InputError: If the file is missing, damaged, of another schema, or its values cannot be right.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            record = Record.model_validate_json(handle.metadata()["record"])
        tensors: dict[str, Tensor] = load_file(path)
        observation = Observation(
            fisher={name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)},
            features=tensors["features"],
            pooled=tensors.get("pooled", tensors["features"]),
            pixels=tensors["pixels"],
            gram=tensors["gram"],
            labels=tensors["labels"],
            classes=record.classes,
            provenance=record.provenance,
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValidationError) as error:
        raise InputError(damage(path, error)) from error
    _check(observation, path)
    return observation


def saved_key(path: Path) -> str | None:
    """Return the key in a file's metadata; None where there is no readable file, so that it is made again."""
    try:
        with safe_open(path, framework="pt") as handle:
            return Record.model_validate_json(handle.metadata()["record"]).key
    except (OSError, SafetensorError, KeyError, TypeError, ValidationError):
        return None


def _check(observation: Observation, path: Path) -> None:
    """Refuse values that no observation can have.

    Raises:
        InputError: If so.
    """
    check_fisher(observation.fisher, f"the Fisher in {path}")
    labels, features, pooled = observation.labels, observation.features, observation.pooled
    fits = features.dim() == pooled.dim() == 2 and 0 < len(labels) == len(features)
    if observation.classes:
        fits &= labels.dtype == torch.int64 and labels.dim() == 1
        inside = fits and 0 <= int(labels.min()) <= int(labels.max()) < observation.classes
    else:
        inside = fits and labels.dim() == 2 and bool(labels.isfinite().all())
    square = observation.gram.dim() == 2 and len(set(observation.gram.shape)) == 1 and len(observation.gram) > 1
    if not square or len(observation.gram) > len(features) or not observation.gram.isfinite().all():
        raise InputError(
            f"{path} holds inner products {tuple(observation.gram.shape)} of gradients; expected a finite square of at "
            f"most {len(features)} images; delete it and run the fisher stage again."
        )
    pixels = observation.pixels
    finite = all(bool(each.isfinite().all()) for each in (features, pooled, pixels))
    if not inside or len(pixels) != len(pooled) or not finite:
        raise InputError(
            f"{path} holds features {tuple(features.shape)} and labels {tuple(labels.shape)}, features of images "
            f"{tuple(pooled.shape)} and pixels {tuple(pixels.shape)} that do not agree or are not finite; expected one "
            f"label{f' below {observation.classes}' if observation.classes else ''} for each row; delete it and run "
            "the fisher stage again."
        )
