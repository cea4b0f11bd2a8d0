"""The network and the batch of a case, the same in every process."""

from dataclasses import dataclass

import timm
import torch
from torch import Tensor, nn

from benchmarks.fisher.cases import CLASSES, Case
from benchmarks.fisher.rivals import Sums
from benchmarks.fisher.settings import Settings

NOISE = 0.1  # On biases and scales: networks begin with zeros there that hide whole branches.


@dataclass(frozen=True)
class Workload:
    """What all methods of a case are given.

    Args:
        model: In evaluation mode, on the device.
        images: [N, 3, px, px], on the device.
        labels: int64 [N], on the device.
    """

    model: nn.Module
    images: Tensor
    labels: Tensor


def load(case: Case, settings: Settings) -> Workload:
    """Return a case's network with random weights, and random images and labels, from a fixed seed."""
    torch.set_num_threads(settings.threads)
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = settings.precision == "tf32"
    torch.manual_seed(0)
    model = timm.create_model(case.model, num_classes=CLASSES, **case.options).eval()
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() < 2:
                value.add_(NOISE * torch.randn_like(value))
    images = torch.randn(case.batch, 3, case.px, case.px)
    labels = torch.randint(CLASSES, (case.batch,))
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
    where = torch.device(settings.device)
    return Workload(model.to(where, dtype), images.to(where, dtype), labels.to(where))


def trace(sums: Sums) -> float:
    """Return the sum of all squares."""
    return sum(float(value.double().sum()) for value in sums.values())
