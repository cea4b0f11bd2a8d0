"""The Fisher diagonal as its definition says, slow and in float64: the yardstick of the tests."""

import copy

import torch
from torch import Tensor, nn

from taskzoo.fisher.check import Diagonal
from taskzoo.likelihood import Categorical, Likelihood


def reference_fisher(
    model: nn.Module, images: Tensor, targets: Tensor, likelihood: Likelihood | None = None
) -> Diagonal:
    """Average squared per-sample gradients of log p(y|x) with one backward pass a sample.

    Args:
        model: Maps images to outputs; copied, so left as it is.
        images: [N, C, H, W].
        targets: [N, ...].
        likelihood: Of the outputs; class labels under logits [N, K] where left out.

    Returns:
        float64 tensors by name, for all parameters that require a gradient.
    """
    network = copy.deepcopy(model).double().cpu().eval()
    likelihood = Categorical() if likelihood is None else likelihood
    wanted = {name: value for name, value in network.named_parameters() if value.requires_grad}
    sums = {name: torch.zeros_like(value) for name, value in wanted.items()}
    for image, target in zip(images.double().cpu(), targets.cpu(), strict=True):
        network.train()
        network.eval()  # Drops tables cached with the last sample's graph.
        # The sample runs twice and counts half: torch's batch normalisation errs on some batches of one.
        loss = likelihood.negative_log(network(torch.stack([image, image])), torch.stack([target, target])).mean()
        gradients = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
        for name, gradient in zip(wanted, gradients, strict=True):
            if gradient is not None:
                sums[name] += gradient**2
    return {name: value.detach() / len(images) for name, value in sums.items()}
