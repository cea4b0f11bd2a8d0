"""What training, Fisher and distances know of a task: its head, its likelihood, its images as tensors, its score."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from taskzoo.data.dense.domains import DOMAINS, Domain
from taskzoo.data.dense.tasks import DenseSplit, DenseTask
from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.likelihood import Categorical, Gaussian, Laplace, Likelihood, PixelCategorical
from taskzoo.params import ProbeParams, TargetName
from taskzoo.probe.network import Probe, State, build_probe, normalise
from taskzoo.probe.pyramid import DenseProbe, build_dense_probe
from taskzoo.probe.training import EVALUATION_BATCH, accuracy

AnyTask = Task | DenseTask
AnySplit = TaskSplit | DenseSplit


class Form(Protocol):
    """What a task asks of a network."""

    @property
    def likelihood(self) -> Likelihood:
        """What outputs say of targets."""

    @property
    def outputs(self) -> int:
        """Number of outputs, a pixel where there is one a pixel."""

    @property
    def classes(self) -> int:
        """Number of classes; 0 where targets are numbers."""

    def build(self, params: ProbeParams, state: State) -> Probe | DenseProbe:
        """Make a network whose backbone holds ``state`` and whose head is zero, on the CPU."""

    def tensors(self, split: AnySplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
        """Return normalised images, float32 [N, 3, S, S], and targets as the likelihood has them."""

    def score(self, network: nn.Module, images: Tensor, targets: Tensor) -> float:
        """Return how good predictions are: 1 at best."""


def tensors(split: TaskSplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
    """Return a split's images, normalised float32 [N, 3, S, S], and labels, int64 [N]."""
    return normalise(split.images, params), torch.from_numpy(split.labels)


@dataclass(frozen=True)
class ClassForm:
    """One class an image.

    Attributes:
        classes: K.
    """

    classes: int

    @property
    def likelihood(self) -> Likelihood:
        """The softmax."""
        return Categorical()

    @property
    def outputs(self) -> int:
        """One a class."""
        return self.classes

    def build(self, params: ProbeParams, state: State) -> Probe:
        """Make a network with a linear head on pooled features."""
        return build_probe(params, self.classes, state)

    def tensors(self, split: AnySplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
        """Return images and labels, int64 [N]."""
        if isinstance(split, DenseSplit):
            labels = split.targets[:, 0, 0, 0].astype(np.int64)
            return normalise(split.images, params), torch.from_numpy(labels)
        return tensors(split, params)

    def score(self, network: nn.Module, images: Tensor, targets: Tensor) -> float:
        """Return the accuracy."""
        return accuracy(network, images, targets)


@dataclass(frozen=True)
class PixelForm:
    """A number or a class a pixel.

    Numbers are brought to mean 0 and deviation 1 (gaussian), or median 0 and mean absolute deviation 1 (laplace), of
    the training images' valid pixels, channel by channel: every task's errors have the same unit.

    Attributes:
        domain: What is predicted.
        centre: Of each channel, [C]; nothing is taken from classes.
        unit: Of each channel, [C].
        constant: The best outputs that know nothing of the image, [K].
    """

    domain: Domain
    centre: Tensor
    unit: Tensor
    constant: Tensor

    @property
    def likelihood(self) -> Likelihood:
        """The domain's, over standardised targets."""
        known: dict[str, Likelihood] = {"gaussian": Gaussian(), "laplace": Laplace(), "categorical": PixelCategorical()}
        return known[self.domain.likelihood]

    @property
    def outputs(self) -> int:
        """One a channel, or a class."""
        return len(self.constant)

    @property
    def classes(self) -> int:
        """The domain's."""
        return self.domain.classes or 0

    def build(self, params: ProbeParams, state: State) -> DenseProbe:
        """Make a network with a linear head on all maps."""
        return build_dense_probe(params, self.outputs, state)

    def tensors(self, split: AnySplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
        """Return images, and targets [N, C, S, S], NaN where missing, or classes int64 [N, S, S], -1 where missing."""
        assert isinstance(split, DenseSplit)
        values, valid = torch.from_numpy(split.targets), torch.from_numpy(split.valid)
        if self.domain.classes is not None:
            return normalise(split.images, params), values[:, 0].long().where(valid[:, 0], -1)
        standardised = (values - self.centre[:, None, None]) / self.unit[:, None, None]
        return normalise(split.images, params), standardised.where(valid, torch.nan)

    def score(self, network: nn.Module, images: Tensor, targets: Tensor) -> float:
        """Return the skill: the share of the loss of the best constant that the network takes away."""
        lost = blank = 0.0
        for some, wanted in zip(*(torch.split(each, EVALUATION_BATCH) for each in (images, targets)), strict=True):
            outputs = predict(network, some)
            lost += float(self.likelihood.negative_log(outputs, wanted).sum())
            nothing = self.constant[:, None, None].expand_as(outputs)
            blank += float(self.likelihood.negative_log(nothing, wanted).sum())
        return 1 - lost / blank

    def values(self, outputs: Tensor) -> Tensor:
        """Return outputs as the domain's values: numbers [N, C, S, S], or classes [N, 1, S, S]."""
        if self.domain.classes is not None:
            return outputs.argmax(1, keepdim=True)
        return outputs * self.unit[:, None, None] + self.centre[:, None, None]


class PixelRecord(BaseModel):
    """A ``PixelForm`` for files.

    Attributes:
        target: The domain's name.
        centre: Of each channel.
        unit: Of each channel.
        constant: The best outputs that know nothing of the image.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    target: TargetName
    centre: tuple[float, ...]
    unit: tuple[float, ...]
    constant: tuple[float, ...]

    def form(self) -> PixelForm:
        """Return the form."""
        return PixelForm(
            DOMAINS[self.target], *(torch.tensor(each) for each in (self.centre, self.unit, self.constant))
        )


def record_of(form: Form) -> PixelRecord | None:
    """Return a dense form for files; None where there is one class an image."""
    if not isinstance(form, PixelForm):
        return None
    centre, unit, constant = (tuple(each.tolist()) for each in (form.centre, form.unit, form.constant))
    return PixelRecord(target=form.domain.name, centre=centre, unit=unit, constant=constant)


def class_names(task: AnyTask) -> tuple[str, ...]:
    """Return the names of the classes among which one is chosen for an image; none where there is no such choice."""
    if isinstance(task, Task):
        return task.classes
    form = form_of(task)
    return tuple(str(each) for each in range(form.classes)) if isinstance(form, ClassForm) else ()


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Return a network's outputs for one batch in evaluation mode, on the CPU."""
    where = next(network.parameters()).device
    outputs: Tensor = network.eval()(images.to(where))
    return outputs.cpu()


def form_of(task: AnyTask) -> Form:
    """Return what a task asks of a network; of a dense one, standardised by its training images."""
    if isinstance(task, Task):
        return ClassForm(len(task.classes))
    classes = task.domain.classes
    if classes is not None and task.train.targets.shape[2:] == (1, 1):
        return ClassForm(classes)
    seen = np.moveaxis(task.train.targets, 1, -1)[task.train.valid[:, 0]].astype(np.float64)  # [pixels, C]
    if classes is not None:
        counts = np.bincount(seen[:, 0].astype(np.int64), minlength=classes) + 1.0
        return PixelForm(
            task.domain, torch.zeros(1), torch.ones(1), torch.from_numpy(np.log(counts / counts.sum())).float()
        )
    robust = task.domain.likelihood == "laplace"
    centre = np.median(seen, 0) if robust else seen.mean(0)
    unit = np.abs(seen - centre).mean(0) if robust else seen.std(0)
    unit = np.where(unit > 0, unit, 1)  # A channel without variation.
    numbers = (torch.from_numpy(each).float() for each in (centre, unit, np.zeros(task.domain.channels)))
    return PixelForm(task.domain, *numbers)
