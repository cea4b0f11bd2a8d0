"""How many samples a batch may hold for its Fisher pass to fit a stated memory."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from taskzoo.errors import InputError
from taskzoo.fisher.collecting import Squares
from taskzoo.fisher.diagonal import wanted
from taskzoo.fisher.evaluation import caching, forget, ready
from taskzoo.fisher.products import SCRATCH
from taskzoo.fisher.taps import Taps

IN_PASSING = 2  # Activations at once, beside those kept: a layer's incoming gradient, and the one it gives on.
HELD = {"cpu": 4 / 3, "cuda": 1}  # Memory held to memory in use, of what comes and goes: glibc keeps a third more.
RUNNING = 8  # Bytes of a parameter's sum over batches, in float64.


def batch_size_for(
    model: nn.Module, sample: Tensor, budget_bytes: int, *, parameters: Collection[str] | None = None
) -> int:
    """Return the largest batch whose Fisher pass fits a budget, beside the model and the batches themselves.

    What the forward pass keeps for the backward, in the model's own precision, is counted on one sample and on two, and
    so told apart from what does not grow with the batch. Added are the largest activation, twice, a layer's scratch,
    and the sums of a batch, of all batches, and their average.

    Args:
        model: Maps inputs [N, ...] to outputs; as for ``fisher``.
        sample: Inputs [n, ...] on the model's device, of which the first is used.
        budget_bytes: Of memory.
        parameters: Names of the parameters wanted; all that require a gradient where left out.

    Returns:
        The number of samples, at least 1.

    Raises:
        InputError: If not even one sample fits.
    """
    names = wanted(model, parameters)
    one, two = (_kept(model, sample[:1].repeat(count, *[1] * (sample.dim() - 1)), names) for count in (1, 2))
    device = sample.device.type
    each = int(HELD[device] * (sum(two) - sum(one) + IN_PASSING * (max(two) - max(one))))
    values = [model.get_parameter(name) for name in names]
    sums = sum(value.numel() * (2 * value.element_size() + RUNNING) for value in values)
    scratch = (SCRATCH[device] + max((value.numel() for value in values), default=0)) * sample.element_size()
    fixed = 2 * sum(one) - sum(two) + scratch + sums
    if budget_bytes < fixed + each:
        raise InputError(
            f"budget_bytes is {budget_bytes}; expected at least {fixed + each}, which a batch of one sample takes "
            "with this network; give more, or name fewer parameters."
        )
    return (budget_bytes - fixed) // each


def _kept(model: nn.Module, inputs: Tensor, names: Collection[str]) -> list[int]:
    """Return the sizes in bytes of the memories that a forward pass keeps, other than the model's own."""
    own = {value.untyped_storage().data_ptr() for value in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage

    with ready(model, list(names)), saved_tensors_hooks(keep, lambda nothing: nothing), torch.enable_grad():
        forget(caching(model))
        try:
            with Taps({name: model.get_parameter(name) for name in names}, len(inputs), Squares()):
                model(inputs.detach().clone().requires_grad_())
        except RuntimeError:  # No taps: every sample then passes alone, and takes no more than this.
            kept.clear()
            model(inputs.clone())
    return [storage.nbytes() for storage in kept.values()]
