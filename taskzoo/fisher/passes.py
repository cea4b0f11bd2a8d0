"""Squared per-sample gradients, summed: by closed forms where all layers have one, by vmap or one by one."""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from taskzoo.fisher.taps import has_rules, rules_pass

Sums = dict[str, Tensor]
Pass = Callable[[nn.Module, Sequence[str], Tensor, Tensor], Sums]


def squared_sums(model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor, batch_size: int) -> Sums:
    """Sum the squared per-sample gradients of log p(y|x), by the fastest exact pass that the model allows.

    Args:
        model: In evaluation mode; left as it is.
        names: Of the parameters wanted.
        images: [N, C, H, W].
        labels: int64 [N].
        batch_size: Samples whose gradients are in memory at once.

    Returns:
        float64 sums on the CPU by parameter name.
    """
    where = next(model.parameters()).device
    allowed: list[Pass] = [vmap_pass, loop_pass]
    if has_rules(model, names, images, batch_size):
        allowed.insert(0, rules_pass)
    sums = {name: torch.zeros(model.get_parameter(name).shape, dtype=torch.float64) for name in names}
    for image, label in zip(torch.split(images, batch_size), torch.split(labels, batch_size), strict=True):
        part = _first_that_works(allowed, model, names, image.to(where), label.to(where))
        for name in names:
            sums[name] += part[name].cpu()
    return sums


def _first_that_works(
    allowed: list[Pass], model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor
) -> Sums:
    """Return the sums of one batch; passes that fail are taken off ``allowed``.

    vmap refuses some operations (in-place writes into constants, control flow on values), which is no
    error of the model's. One that is comes again from the last pass and is told there.
    """
    while len(allowed) > 1:
        forget_caches(model)
        try:
            return allowed[0](model, names, images, labels)
        except RuntimeError:
            del allowed[0]
    return allowed[0](model, names, images, labels)


def forget_caches(model: nn.Module) -> None:
    """Make networks that cache tables of their parameters in evaluation mode (LeViT, TinyViT) drop them.

    A table cached without a graph would silently cut its parameter off from the likelihood.
    """
    model.train()
    model.eval()


def vmap_pass(model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor) -> Sums:
    """Return the summed squared per-sample gradients of one batch, by ``vmap(grad)``."""
    weights, constants = _split(model, names)

    def loss(values: Sums, image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(model, {**constants, **values}, (image[None],))
        return functional.cross_entropy(logits, label[None])

    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):  # Fused attention has no batching rule.
        # A few rarer operations have none either: they run in a loop, exactly, and nobody can help it.
        warnings.filterwarnings("ignore", message="There is a performance drop")
        gradients = vmap(grad(loss), in_dims=(None, 0, 0))(weights, images, labels)
    # Never in place: gradients can share memory (class token and position embedding).
    return {name: gradient.square().sum(0) for name, gradient in gradients.items()}


def loop_pass(model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor) -> Sums:
    """Sum squared per-sample gradients of one batch, sample by sample.

    Every sample runs twice in its batch and the gradient is halved: the backward pass of evaluation-mode
    batch normalisation is wrong on the CPU for a batch of one whose incoming gradient is transposed.

    Args:
        model: In evaluation mode; left as it is.
        names: Of the parameters wanted.
        images: [N, C, H, W], on the model's device.
        labels: int64 [N].

    Returns:
        Sums by parameter name; zeros for a parameter that the likelihood does not depend on.
    """
    weights, constants = _split(model, names)
    sums = {name: torch.zeros_like(value) for name, value in weights.items()}
    leaves = {name: value.requires_grad_() for name, value in weights.items()}
    for image, label in zip(images, labels, strict=True):
        forget_caches(model)
        with torch.enable_grad():
            logits = functional_call(model, {**constants, **leaves}, (torch.stack([image, image]),))
            loss = functional.cross_entropy(logits, torch.stack([label, label]), reduction="sum") / 2
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        for name, gradient in zip(leaves, gradients, strict=True):
            if gradient is not None:
                sums[name] += gradient.square()
    return sums


def _split(model: nn.Module, names: Sequence[str]) -> tuple[Sums, Sums]:
    """Return the wanted parameters and all else the model holds, detached from the caller's graph."""
    weights = {name: model.get_parameter(name).detach() for name in names}
    rest = {name: value.detach() for name, value in model.named_parameters() if name not in weights}
    return weights, rest | {name: value.detach() for name, value in model.named_buffers()}
