"""Training a network on a task, with one recipe for probes, transfers and final networks."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskzoo.likelihood import Categorical, Likelihood
from taskzoo.probe.convolutions import fast_convolutions

BatchNorm = nn.modules.batchnorm._BatchNorm
CLASSES: Likelihood = Categorical()
EVALUATION_BATCH = 64  # An EfficientNet at 64x64 takes 1.5 times as long with 256: maps no longer fit a core's cache.


@dataclass(frozen=True)
class Recipe:
    """AdamW under a one-cycle schedule.

    Args:
        steps: Number of updates.
        batch_size: Images an update, drawn without replacement within an epoch.
        learning_rate: Peak of the cycle.
        weight_decay: AdamW's.
        frozen_batch_norm: Keep the statistics and affine weights of batch normalisation as they are.
    """

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.05
    frozen_batch_norm: bool = False


def batches(count: int, batch_size: int, steps: int, seed: int) -> list[Tensor]:
    """Draw the index batches of a training: shuffled epochs, one after the other.

    Args:
        count: Number of images N.
        batch_size: Indices a batch; N where N is smaller.
        steps: Number of batches.
        seed: Of the order.

    Returns:
        ``steps`` int64 tensors of indices.
    """
    generator = torch.Generator().manual_seed(seed)
    size = min(batch_size, count)
    out: list[Tensor] = []
    while len(out) < steps:
        order = torch.randperm(count, generator=generator)
        out.extend(order[start : start + size] for start in range(0, count - size + 1, size))
    return out[:steps]


def fit(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
    likelihood: Likelihood = CLASSES,
) -> None:
    """Train a network in place by the likelihood of its targets.

    Args:
        network: Maps images to outputs; left in evaluation mode, on its device.
        images: float32 [N, 3, H, W].
        labels: Targets [N, ...]: of one class an image int64 [N].
        recipe: Optimiser settings.
        seed: Of the batch order and of dropout.
        on_step: Told the step and its loss, for progress and curves.
        likelihood: Of the outputs; classes' softmax where left out.
    """
    where = next(network.parameters()).device
    set_training(network, recipe.frozen_batch_norm)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps + 1)
    with fast_convolutions(network), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, index in enumerate(batches(len(labels), recipe.batch_size, recipe.steps, seed)):
            loss = likelihood.negative_log(network(images[index].to(where)), labels[index].to(where)).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if on_step is not None:
                on_step(step, loss.item())
    network.eval()
    for weight in weights:
        weight.grad = None


def set_training(network: nn.Module, frozen_batch_norm: bool) -> None:
    """Put a network in training mode; freeze its batch normalisation if asked."""
    network.train()
    if frozen_batch_norm:
        for module in network.modules():
            if isinstance(module, BatchNorm):
                module.eval()
                for weight in module.parameters():
                    weight.requires_grad_(False)


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Return a network's outputs for one batch in evaluation mode, on the CPU."""
    where = next(network.parameters()).device
    outputs: Tensor = network.eval()(images.to(where))
    return outputs.cpu()


@torch.no_grad()
def in_batches(network: nn.Module, images: Tensor) -> Tensor:
    """Return the network's output for all images, computed in evaluation mode on its device, on the CPU."""
    where = next(network.parameters()).device
    network.eval()
    with fast_convolutions(network):
        return torch.cat([network(part.to(where)).cpu() for part in torch.split(images, EVALUATION_BATCH)])


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of images in [0, 1] whose largest logit is at their label, or at the largest soft label."""
    return (in_batches(network, images).argmax(1) == hard(labels)).float().mean().item()


def hard(labels: Tensor) -> Tensor:
    """Return labels int64 [N] as they are, and the classes of the largest of soft labels [N, K]."""
    return labels if labels.dim() == 1 else labels.argmax(1)
