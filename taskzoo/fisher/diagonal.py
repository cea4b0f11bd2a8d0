"""The exact diagonal of the Fisher information of a classifier, for any timm network."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.passes import squared_sums

FisherDiagonal = dict[str, Tensor]


def fisher(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None,
    *,
    parameters: Collection[str] | None = None,
    batch_size: int = 32,
    generator: torch.Generator | None = None,
) -> FisherDiagonal:
    """Average the squared per-sample gradient of log p(y|x) over samples.

    The model is evaluated in evaluation mode and comes back as it was: mode, gradients, buffers.

    Args:
        model: Maps images [N, C, H, W] to logits [N, K] of a categorical likelihood; on any device.
        images: [N, C, H, W].
        labels: int64 [N] for the empirical Fisher; None draws them from the model's own softmax.
        parameters: Names of the parameters wanted; all that require a gradient where left out.
        batch_size: Samples whose gradients are in memory at once.
        generator: Of drawn labels; torch's own where left out.

    Returns:
        float64 tensors on the CPU by parameter name, in the order of ``model.named_parameters()``.

    Raises:
        InputError: If a name is unknown, there are no images, or the result is not finite or all zero.
    """
    names = _wanted(model, parameters)
    if not len(images):
        raise InputError("images is empty; expected at least one image to take the Fisher on; give some.")
    with _evaluation(model):
        drawn = draw_labels(model, images, batch_size, generator) if labels is None else labels
        sums = squared_sums(model, names, images, drawn, batch_size)
    values = {name: sums[name] / len(images) for name in names}
    check_fisher(values, "the Fisher")
    return values


@torch.no_grad()
def draw_labels(model: nn.Module, images: Tensor, batch_size: int, generator: torch.Generator | None) -> Tensor:
    """Draw one label an image from the model's softmax.

    Args:
        model: Maps images to logits; used in the mode it is in.
        images: [N, C, H, W].
        batch_size: Images a pass; does not change the draw beyond rounding.
        generator: On the CPU.

    Returns:
        int64 [N] on the CPU.

    Raises:
        InputError: If a logit is not finite.
    """
    where = next(model.parameters()).device
    logits = torch.cat([model(part.to(where)).double().cpu() for part in torch.split(images, batch_size)])
    if not logits.isfinite().all():
        raise InputError("the network's logits are not finite; expected numbers; train it again at a lower rate.")
    return torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)


def check_fisher(values: FisherDiagonal, where: str) -> None:
    """Refuse what cannot be a Fisher diagonal.

    Args:
        values: Tensors by parameter name.
        where: What they are of, for messages.

    Raises:
        InputError: If there is none, one is not finite or negative, or all are zero.
    """
    for name, value in values.items():
        if not value.isfinite().all():
            raise InputError(
                f"{where} is not finite at {name}; expected finite values; look for a network that diverged, "
                "and train it again at a lower rate."
            )
        if (value < 0).any():
            raise InputError(f"{where} is negative at {name}; expected squares; the file is damaged: compute it again.")
    if not any(value.any() for value in values.values()):
        raise InputError(
            f"{where} is zero everywhere; expected a positive trace; look for a dead network or a saturated "
            "head, and train it again."
        )


def _wanted(model: nn.Module, parameters: Collection[str] | None) -> list[str]:
    """Return the names asked for in the model's order.

    Raises:
        InputError: If one is unknown.
    """
    known = dict(model.named_parameters())
    if parameters is None:
        return [name for name, value in known.items() if value.requires_grad]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise InputError(
            f"parameters names {unknown[0]!r}, which the network has not; expected names of "
            "named_parameters(); correct it."
        )
    return [name for name in known if name in set(parameters)]


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode, and every module back in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        # Through training mode, because networks such as LeViT drop what they cached for evaluation there.
        model.train()
        for module, mode in modes:
            module.training = mode
