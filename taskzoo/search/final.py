"""Training of the chosen network: timm's optimiser groups, schedule and weight average, on images that vary.

Candidates are trained briefly and alike, so that they compare; what was chosen is worth more care.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from timm.data import Mixup
from timm.data.random_erasing import RandomErasing
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import v2

from taskzoo.params import FinalParams
from taskzoo.probe.convolutions import fast_convolutions
from taskzoo.probe.forms import ClassForm, Form
from taskzoo.probe.training import BatchNorm, batches


def train_with_care(
    network: nn.Module, images: Tensor, labels: Tensor, form: Form, params: FinalParams, seed: int
) -> nn.Module:
    """Train a network, in place, and return the average of its weights over the last steps.

    AdamW without decay of biases and normalisation, warm-up and a cosine down to zero, and an exponential moving
    average whose memory grows with the steps done. Of classes, images vary and labels are smoothed; dense targets
    would have to move with their images, soft labels are smooth, and both are learned as they are.

    Args:
        network: Maps images to outputs.
        images: float32 [N, 3, H, W], normalised.
        labels: Targets, [N, ...].
        form: What the task asks of the network.
        params: Of the training and of how images vary.
        seed: Of the batch order, of dropout, and of how images vary.

    Returns:
        The averaged network, on the same device, in evaluation mode.
    """
    where = next(network.parameters()).device
    optimiser = create_optimizer_v2(network, "adamw", lr=params.learning_rate, weight_decay=params.weight_decay)
    schedule = CosineLRScheduler(
        optimiser, params.steps, warmup_t=round(params.warmup * params.steps), warmup_lr_init=0, t_in_epochs=False
    )
    average = ModelEmaV3(network, decay=params.average, use_warmup=True)
    mixes = isinstance(form, ClassForm) and labels.dim() == 1
    vary = Variation(params, images.shape[-1], form.classes) if mixes else None
    network.train()
    if params.batch_norm == "frozen":
        _keep_statistics(network)
    with _own_randomness(seed), fast_convolutions(network):
        for step, index in enumerate(batches(len(labels), params.batch_size, params.steps, seed)):
            schedule.step_update(step)
            if vary is None:
                loss = form.likelihood.negative_log(network(images[index].to(where)), labels[index].to(where)).mean()
            else:
                varied, targets = vary(images[index], labels[index])
                loss = functional.cross_entropy(network(varied.to(where)), targets.to(where))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            average.update(network, step)
    network.eval()
    averaged: nn.Module = average.module
    return averaged.eval()


def _keep_statistics(network: nn.Module) -> None:
    """Let batch normalisation use the statistics it has, and keep them; layers that have none yet gather theirs."""
    for module in network.modules():
        if isinstance(module, BatchNorm) and module.running_mean is not None and bool(module.running_mean.any()):
            module.eval()


class Variation:
    """What a batch looks like this time.

    Args:
        params: Says how far images are moved, whether they are mirrored, how often a part is erased, and how two are
            mixed.
        image_size: Pixels a side.
        classes: Number K of classes.
    """

    def __init__(self, params: FinalParams, image_size: int, classes: int) -> None:
        border = round(params.shift * image_size)
        self.move = v2.RandomCrop(image_size, padding=border, padding_mode="reflect") if border else v2.Identity()
        self.mirror = v2.RandomHorizontalFlip(0.5 if params.mirror else 0.0)
        self.erase = RandomErasing(params.erase, mode="pixel", device="cpu")
        self.mix = Mixup(params.mix, label_smoothing=params.smoothing, num_classes=classes)
        self.mix.mixup_enabled = params.mix > 0

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Vary a batch; all chance is drawn from the global generators of torch, numpy and Python.

        Args:
            images: float32 [N, 3, H, W]; not changed.
            labels: int64 [N].

        Returns:
            Images of the same shape, and the probability wanted of each class [N, K]; of an odd batch, all but one.
        """
        even = len(images) - len(images) % 2  # As timm's mixing needs it.
        moved = torch.stack([self.mirror(self.move(image)) for image in images[:even]])
        varied, targets = self.mix(self.erase(moved), labels[:even])
        return varied, targets


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed the global generators that timm draws from, and put them back."""
    ours, numpys = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(numpys)
