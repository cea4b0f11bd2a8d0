"""The Fisher diagonal as its definition says, slow and in float64: the yardstick of the tests."""

import copy

import torch
from torch import Tensor, nn

from taskzoo.fisher.check import Diagonal


def reference_fisher(model: nn.Module, images: Tensor, labels: Tensor) -> Diagonal:
    """Average squared per-sample gradients of log p(y|x) with one backward pass a sample.

    Args:
        model: Maps images to logits; copied, so left as it is.
        images: [N, C, H, W].
        labels: int64 [N].

    Returns:
        float64 tensors by name, for all parameters that require a gradient.
    """
    network = copy.deepcopy(model).double().cpu().eval()
    wanted = {name: value for name, value in network.named_parameters() if value.requires_grad}
    sums = {name: torch.zeros_like(value) for name, value in wanted.items()}
    for image, label in zip(images.double().cpu(), labels.cpu(), strict=True):
        network.train()
        network.eval()  # Drops tables cached with the last sample's graph.
        # The sample runs twice and counts half: torch's batch normalisation errs on some batches of one.
        log_probability = network(torch.stack([image, image])).log_softmax(1)[:, label].mean()
        gradients = torch.autograd.grad(log_probability, list(wanted.values()), allow_unused=True)
        for name, gradient in zip(wanted, gradients, strict=True):
            if gradient is not None:
                sums[name] += gradient**2
    return {name: value.detach() / len(images) for name, value in sums.items()}
