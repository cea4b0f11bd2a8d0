"""NASWOT (Mellor et al., 2021): how differently the rectified units of an untrained network see a few images.

The published code scores through hooks that silently swallow errors, takes gradients it does not need and leaves batch
normalisation changed; here it is one forward pass without gradients, and the network comes back as it was.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.probe.training import BatchNorm

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.Hardswish, nn.SiLU, nn.GELU)


@torch.no_grad()
def naswot(network: nn.Module, inputs: Any, normalised: bool = False) -> float:
    """Return the log-determinant of how many units agree on each two images (equation 2).

    Batch normalisation uses the batch's statistics, as in the paper. Activations other than ReLU count as on where
    their input is positive: an extension.

    Args:
        network: At initialisation; comes back as it was, modes and buffers included.
        inputs: One batch of N images, as the network eats them.
        normalised: Count agreements as shares of the units: N log(units) less. Of use where the numbers of units
            differ, since the plain score grows with them, whatever they see.

    Returns:
        Higher promises more accuracy; minus infinity where the units cannot tell two images apart.

    Raises:
        InputError: If the network has no such activation as a module.
    """
    agreements: list[Tensor] = []
    units = 0

    def look(_module: nn.Module, seen: tuple[Tensor, ...]) -> None:
        nonlocal units
        codes = (seen[0].flatten(1) > 0).float() * 2 - 1
        # Whole numbers below 2^24: exact in float32.
        agreements.append((codes.shape[1] + codes @ codes.T).double() / 2)
        units += codes.shape[1]

    rectifiers = [module for module in network.modules() if isinstance(module, RECTIFIERS)]
    hooks = [module.register_forward_pre_hook(look) for module in rectifiers]
    try:
        with _by_batch(network):
            network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if not agreements:
        names = ", ".join(each.__name__ for each in RECTIFIERS)
        raise InputError(
            f"the network has none of the modules {names}; expected one at least, whose units tell images apart; score "
            "another space."
        )
    kernel = torch.stack(agreements).sum(0)
    sign, value = torch.linalg.slogdet(kernel)
    score = float(value) if float(sign) > 0 else -math.inf
    return score - len(kernel) * math.log(units) if normalised else score


@contextmanager
def _by_batch(network: nn.Module) -> Iterator[None]:
    """Let batch normalisation use the batch's statistics, all else stand in evaluation mode, and put all of it back."""
    modes = [(module, module.training) for module in network.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    network.eval()
    for module, _ in modes:
        if isinstance(module, BatchNorm):
            module.train()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for buffer, before in buffers:
            buffer.copy_(before)
