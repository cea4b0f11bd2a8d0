"""How rules are tried: on two samples, in single precision at least, and whether one sample is seen in the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from taskzoo.fisher.meetings import Watched

HALF = (torch.bfloat16, torch.float16)


@contextmanager
def in_single(model: nn.Module) -> Iterator[None]:
    """Let weights and buffers of half precision be float32, whose rounding is not taken for a rule that does not hold.

    Args:
        model: Gets back the very tensors that it had.

    Yields:
        Nothing.
    """
    kept = [(value, value.data) for value in (*model.parameters(), *model.buffers()) if value.dtype in HALF]
    try:
        for value, data in kept:
            value.data = data.float()
        yield
    finally:
        for value, data in kept:
            value.data = data


def pair_of(inputs: Tensor, seed: int) -> Tensor:
    """Return two inputs that surely differ: the first, and its mirror image under noise; or the last, of numbers.

    Args:
        inputs: [n, ...], at least one.
        seed: Of the noise.

    Returns:
        [2, ...].
    """
    first = inputs[0]
    if not first.is_floating_point():
        return torch.stack([first, inputs[-1 - seed % len(inputs)]])
    scale = float(inputs.abs().max()) or 1.0
    noise = torch.randn(first.shape, generator=torch.Generator().manual_seed(seed)).to(first)
    return torch.stack([first, first.flip(-1) + noise * scale / 3])


def mixed(watched: Watched, changed: Watched) -> set[str]:
    """Return the names of parameters that met other things of the first sample after the second was changed.

    Args:
        watched: What parameters met in a pass over two samples.
        changed: In a pass over the first of them and another.

    Returns:
        Those whose batch does not lie sample by sample.
    """
    alike = len(watched) == len(changed)
    return {
        name
        for (names, before), (_, after) in zip(watched, changed, strict=alike)
        for name in names
        if not alike or before.shape != after.shape or not torch.allclose(before, after, rtol=1e-3, atol=_atol(before))
    }


def _atol(values: Tensor) -> float:
    return 1e-4 * float(values.abs().max()) if values.numel() else 0.0
