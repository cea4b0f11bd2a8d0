"""The two samples on which rules are tried, and whether one is seen in the other."""

import torch
from torch import Tensor

from taskzoo.fisher.meetings import Watched


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
