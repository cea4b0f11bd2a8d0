"""The Fisher of a backbone in function space: inner products of its images' gradients.

The Gram matrix of the per-sample gradients and the empirical Fisher share their non-zero spectrum. Differentiated are
random directions of the features, so that neither a head nor labels are needed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.engine import Engine
from taskzoo.fisher.evaluation import ready
from taskzoo.fisher.layers import NoRuleError
from taskzoo.likelihood import Likelihood

DEAD = 1e-3  # Features that vary less than this share of the liveliest are not blown up to unit variance.


class Directions:
    """A likelihood whose log is linear in the features: its gradient is that of a direction of them."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the features along directions [N, D], one a sample."""
        return (outputs * targets).sum(1)

    def draw(self, outputs: Tensor, draws: int, generator: torch.Generator | None) -> list[Tensor]:
        """Return random directions, the same for all samples."""
        size = outputs.shape[1]
        return [torch.randn(size, generator=generator).to(outputs).expand_as(outputs) for _ in range(draws)]

    def outcomes(self, outputs: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return every feature by itself."""
        eye = torch.eye(outputs.shape[1]).to(outputs)
        return [(row.expand_as(outputs), outputs.new_ones(len(outputs))) for row in eye]


def feature_grams(
    backbone: nn.Module, images: Tensor, directions: int = 2, seed: int = 0
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Return the features of images and, for every parameter, the inner products of their gradients.

    Args:
        backbone: Maps images to features [N, D]; comes back as it was.
        images: [N, 3, H, W], on its device; all in one batch, at least two.
        directions: Random directions of the standardised features, r: one backward pass each.
        seed: Of the directions.

    Returns:
        Features [N, D] and Gram matrices [N, N] by parameter name, summed over directions, on the CPU.

    Raises:
        InputError: If the features are not finite, or the number of images is one that the network cannot take.
    """
    names = [name for name, value in backbone.named_parameters()]
    likelihood: Likelihood = Directions()
    generator = torch.Generator().manual_seed(seed)
    kept: list[Tensor] = []

    def choose(features: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        kept.append(features.detach())
        spread = features.detach().std(0)
        scale = spread.clamp(min=DEAD * float(spread.max()))
        scale = scale.where(scale > 0, 1)  # Where nothing varies there is no unit.
        return [(direction / scale, None) for direction in likelihood.draw(features, directions, generator)]

    with ready(backbone, names):
        engine = Engine(backbone, names, likelihood, images)
        try:
            found = engine.grams(images, choose)
        except NoRuleError as error:
            raise InputError(
                f"gradients of {len(images)} images at once cannot be told apart in this network ({error}); expected a "
                "number that is none of its own axes; change fisher.kernel_images by one."
            ) from error
    if not kept[-1].isfinite().all():
        raise InputError("the backbone's features are not finite; expected numbers; train it at a lower rate.")
    return kept[-1].cpu(), {name: gram.cpu() for name, gram in found.items()}


def alike(grams: Mapping[str, Tensor], count: int) -> Tensor:
    """Return the mean of Gram matrices, each centred and of mean diagonal 1: every parameter tensor counts alike.

    Optimisers scale each weight's step, and layers of very different gradients have no common unit.

    Args:
        grams: [N, N] by parameter name.
        count: N.

    Returns:
        [N, N], float64; zeros where no gradient varies.
    """
    total, varying = torch.zeros(count, count, dtype=torch.float64), 0
    for gram in grams.values():
        rows = gram.double() - gram.double().mean(0)
        inner = rows - rows.mean(1, keepdim=True)
        scale = inner.diagonal().mean()
        if scale > 0:
            total += inner / scale
            varying += 1
    return total / max(varying, 1)
