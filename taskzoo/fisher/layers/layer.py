"""What every kind of layer tells the Fisher pass."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor

from taskzoo.fisher.gradients import Gradients


class NoRuleError(RuntimeError):
    """Parameters are used in a way that has no closed form."""


class Layer(ABC):
    """One call of a layer, made with the arguments of the torch function that was called.

    Attributes:
        inputs: x [L, ...], L a multiple of the samples N, sample by sample.
        tensors: The weights of the call by role.
        samples: N, filled in before the backward pass.
    """

    inputs: Tensor
    tensors: Mapping[str, Tensor]
    samples: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output; no graph is kept of it."""

    @abstractmethod
    def backward(self, x: Tensor, g: Tensor, wanted: bool) -> tuple[Tensor | None, Mapping[str, Gradients]]:
        """Return what follows from the gradient of the output.

        Args:
            x: The input.
            g: The output's gradient.
            wanted: Whether the gradient of x is.

        Returns:
            The gradient of x, or None, and the per-sample gradients of the weights by role.
        """


def given(**tensors: Tensor | None) -> dict[str, Tensor]:
    """Return the weights that are there."""
    return {role: tensor for role, tensor in tensors.items() if tensor is not None}


def per_sample(values: Tensor, samples: int) -> Tensor:
    """Sum [L, ..., C] over all axes but the sample's and the last: [N, C]."""
    if len(values) == samples and values.dim() == 2:
        return values
    return values.reshape(samples, -1, values.shape[-1]).sum(1)
