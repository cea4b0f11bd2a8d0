"""What training, Fisher and distances know of a task: its head, its likelihood, its images as tensors, its score."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from taskzoo.data.dense.tasks import DenseSplit, DenseTask
from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.likelihood import Categorical, Likelihood
from taskzoo.params import ProbeParams
from taskzoo.probe.dense_forms import DenseForm, DenseRecord, NumberForm, PixelForm, standard
from taskzoo.probe.network import Probe, State, build_probe, normalise
from taskzoo.probe.pyramid import DenseProbe
from taskzoo.probe.training import accuracy

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
        """Return images and labels, int64 [N], or soft labels, float32 [N, K]."""
        if not isinstance(split, DenseSplit):
            return tensors(split, params)
        values = split.targets[:, :, 0, 0]
        labels = values[:, 0].astype(np.int64) if values.shape[1] == 1 else values
        return normalise(split.images, params), torch.from_numpy(labels)

    def score(self, network: nn.Module, images: Tensor, targets: Tensor) -> float:
        """Return the accuracy: how often the likeliest class is the label, or the largest of soft labels."""
        return accuracy(network, images, targets)


def record_of(form: Form) -> DenseRecord | None:
    """Return a dense form for files; None where there is one class an image."""
    return form.record() if isinstance(form, DenseForm) else None


def class_names(task: AnyTask) -> tuple[str, ...]:
    """Return the names of the classes among which one is chosen for an image; none where there is no such choice."""
    if isinstance(task, Task):
        return task.classes
    form = form_of(task)
    return tuple(str(each) for each in range(form.classes)) if isinstance(form, ClassForm) else ()


def form_of(task: AnyTask) -> Form:
    """Return what a task asks of a network; of a dense one, standardised by its training images."""
    if isinstance(task, Task):
        return ClassForm(len(task.classes))
    whole = task.train.targets.shape[2:] == (1, 1)
    if whole and task.domain.classes is not None:
        return ClassForm(task.domain.classes)
    kind = NumberForm if whole else PixelForm
    return kind(task.domain, *standard(task.domain, task.train))
