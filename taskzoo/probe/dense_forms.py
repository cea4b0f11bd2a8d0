"""What dense tasks ask of a network: a number or a class for every pixel, or numbers for the whole image."""

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from taskzoo.data.dense.domains import DOMAINS, Domain
from taskzoo.data.dense.tasks import DenseSplit
from taskzoo.data.tasks import TaskSplit
from taskzoo.likelihood import Gaussian, Laplace, Likelihood, PixelCategorical
from taskzoo.params import ProbeParams, TargetName
from taskzoo.probe.network import Probe, State, build_probe, normalise
from taskzoo.probe.pyramid import DenseProbe, build_dense_probe
from taskzoo.probe.training import EVALUATION_BATCH, predict


@dataclass(frozen=True)
class DenseForm:
    """What all dense tasks have in common but for those of one class an image.

    Numbers are brought to mean 0 and deviation 1 (gaussian), or median 0 and mean absolute deviation 1 (laplace), of
    the training images' valid values, channel by channel: every task's errors have the same unit.

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

    def score(self, network: nn.Module, images: Tensor, targets: Tensor) -> float:
        """Return the skill: the share of the loss of the best constant that the network takes away."""
        lost = blank = 0.0
        for some, wanted in zip(*(torch.split(each, EVALUATION_BATCH) for each in (images, targets)), strict=True):
            outputs = predict(network, some)
            lost += float(self.likelihood.negative_log(outputs, wanted).sum())
            nothing = self._each(self.constant, outputs).expand_as(outputs)
            blank += float(self.likelihood.negative_log(nothing, wanted).sum())
        return 1 - lost / blank

    def values(self, outputs: Tensor) -> Tensor:
        """Return outputs as the domain's values: numbers [N, C, ...], or classes [N, 1, ...]."""
        if self.domain.classes is not None:
            return outputs.argmax(1, keepdim=True)
        return outputs * self._each(self.unit, outputs) + self._each(self.centre, outputs)

    def record(self) -> "DenseRecord":
        """Return the form for files."""
        centre, unit, constant = (tuple(each.tolist()) for each in (self.centre, self.unit, self.constant))
        return DenseRecord(target=self.domain.name, centre=centre, unit=unit, constant=constant)

    @staticmethod
    def _each(channels: Tensor, like: Tensor) -> Tensor:
        """Return numbers [C] in a shape that goes with [N, C, ...]."""
        return channels.reshape(-1, *[1] * (like.dim() - 2))


class PixelForm(DenseForm):
    """A number or a class a pixel."""

    def build(self, params: ProbeParams, state: State) -> DenseProbe:
        """Make a network with a linear head on all maps."""
        return build_dense_probe(params, self.outputs, state)

    def tensors(self, split: TaskSplit | DenseSplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
        """Return images, and targets [N, C, S, S], NaN where missing, or classes int64 [N, S, S], -1 where missing."""
        assert isinstance(split, DenseSplit)
        values, valid = torch.from_numpy(split.targets), torch.from_numpy(split.valid)
        if self.domain.classes is not None:
            return normalise(split.images, params), values[:, 0].long().where(valid[:, 0], -1)
        standardised = (values - self._each(self.centre, values)) / self._each(self.unit, values)
        return normalise(split.images, params), standardised.where(valid, torch.nan)


class NumberForm(DenseForm):
    """Numbers of the whole image."""

    def build(self, params: ProbeParams, state: State) -> Probe:
        """Make a network with a linear head on pooled features."""
        return build_probe(params, self.outputs, state)

    def tensors(self, split: TaskSplit | DenseSplit, params: ProbeParams) -> tuple[Tensor, Tensor]:
        """Return images, and targets [N, C]."""
        assert isinstance(split, DenseSplit)
        values = torch.from_numpy(split.targets[:, :, 0, 0])
        return normalise(split.images, params), (values - self.centre) / self.unit


class DenseRecord(BaseModel):
    """A dense form for files.

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

    def form(self) -> PixelForm | NumberForm:
        """Return the form."""
        domain = DOMAINS[self.target]
        kind = NumberForm if domain.whole else PixelForm
        return kind(domain, *(torch.tensor(each) for each in (self.centre, self.unit, self.constant)))


def standard(domain: Domain, split: DenseSplit) -> tuple[Tensor, Tensor, Tensor]:
    """Return centre, unit and constant of a dense form.

    Args:
        domain: What is predicted.
        split: Whose valid values count.

    Returns:
        [C], [C] and [K], as ``DenseForm`` has them.
    """
    seen = np.moveaxis(split.targets, 1, -1)[split.valid[:, 0]].astype(np.float64)  # [values, C]
    if domain.classes is not None:
        counts = np.bincount(seen[:, 0].astype(np.int64), minlength=domain.classes) + 1.0
        return torch.zeros(1), torch.ones(1), torch.from_numpy(np.log(counts / counts.sum())).float()
    robust = domain.likelihood == "laplace"
    centre = np.median(seen, 0) if robust else seen.mean(0)
    unit = np.abs(seen - centre).mean(0) if robust else seen.std(0)
    unit = np.where(unit > 0, unit, 1)  # A channel without variation.
    return torch.from_numpy(centre).float(), torch.from_numpy(unit).float(), torch.zeros(domain.channels)
