"""A model in evaluation mode, with gradients for what is wanted, and back as it was."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def ready(model: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Put a model in evaluation mode, with gradients for the wanted parameters only, and back as it was.

    Args:
        model: The model.
        names: Of the parameters wanted.

    Yields:
        Nothing.
    """
    modes = [(module, module.training) for module in model.modules()]
    flags = [
        (name, value, value.requires_grad, value.grad, value._post_accumulate_grad_hooks, value._backward_hooks)
        for name, value in model.named_parameters()
    ]
    cudnn, caches = torch.backends.cudnn.enabled, caching(model)
    if any(isinstance(module, nn.RNNBase) for module, _ in modes):
        torch.backends.cudnn.enabled = False  # Its recurrent layers have a backward pass in training mode only.
    if any(mode for _, mode in modes):
        model.eval()
    try:
        some = set(names)
        for name, parameter, *_ in flags:
            parameter.requires_grad_(name in some)
            parameter.grad = None
            parameter._post_accumulate_grad_hooks = OrderedDict()  # Such as an optimiser's step.
            parameter._backward_hooks = None
        yield
    finally:
        torch.backends.cudnn.enabled = cudnn
        for _, parameter, flag, gradient, after, before in flags:
            parameter.requires_grad_(flag)
            parameter.grad = gradient
            parameter._post_accumulate_grad_hooks, parameter._backward_hooks = after, before
        forget(caches)
        for module, mode in modes:
            if module.training != mode:
                module.training = mode


def caching(model: nn.Module) -> list[nn.Module]:
    """Return the modules that do something of their own where the mode changes."""
    return [module for module in model.modules() if getattr(module.train, "__func__", None) is not nn.Module.train]


def forget(modules: Sequence[nn.Module]) -> None:
    """Make modules in evaluation mode that cache tables of their parameters there (LeViT, TinyViT) drop them.

    A table cached without a graph would silently cut its parameter off from the likelihood.

    Args:
        modules: From ``caching``: to go through all of a network every time costs a tenth of a small one's pass.
    """
    for module in modules:
        module.train()
        module.eval()
