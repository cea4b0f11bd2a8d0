"""One forward and backward pass that collects every layer's closed form.

Calls are seen where they reach torch with the parameter itself, which covers subclasses of layers and
functional uses alike.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from taskzoo.fisher.rules import RULES, Layer, NoRuleError


class _Taps(TorchFunctionMode):
    """Sees every torch call of a forward pass and hangs the statistics on the wanted layers' outputs."""

    def __init__(self, model: nn.Module, names: Sequence[str], samples: int) -> None:
        super().__init__()
        self.names = {id(model.get_parameter(name)): name for name in names}
        self.samples = samples
        self.seen: set[str] = set()
        self.sums: dict[str, Tensor] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a call; where wanted parameters are among its arguments, detached from them and tapped.

        Args:
            func: What was called.
            types: Not used.
            args: Its arguments.
            kwargs: Its arguments by name.

        Returns:
            What the call returned.

        Raises:
            NoRuleError: If a wanted parameter's values are used outside a layer with a closed form.
        """
        kwargs = kwargs or {}
        used = [self.names[id(leaf)] for leaf in tree_leaves((args, kwargs)) if id(leaf) in self.names]
        if not used:
            return func(*args, **kwargs)
        if func not in RULES:
            out = func(*args, **kwargs)
            if any(isinstance(leaf, Tensor) for leaf in tree_leaves(out)):
                raise NoRuleError(f"{used[0]} is used by {func}")
            return out  # A shape, a type, a device: no value of the parameter.
        layer = RULES[func](*args, **kwargs)
        self._check(layer, used)
        out = func(*tree_map(self._detach, args), **tree_map(self._detach, kwargs))
        version = layer.inputs._version
        out.register_hook(lambda gradient: self._collect(layer, gradient, version))
        return out

    def _detach(self, leaf: Any) -> Any:
        return leaf.detach() if id(leaf) in self.names else leaf

    def _check(self, layer: Layer, used: list[str]) -> None:
        # Shared parameters need the sum of their gradients before the square; inputs need one row a sample.
        if self.seen.intersection(used) or len(set(used)) < len(used):
            raise NoRuleError(f"{used[0]} is used twice")
        if not layer.inputs.requires_grad or layer.inputs.shape[0] != self.samples:
            raise NoRuleError(f"the input at {used[0]} is not one row a sample")
        self.seen.update(used)

    def _collect(self, layer: Layer, gradient: Tensor, version: int) -> None:
        if layer.inputs._version != version:
            raise NoRuleError("a layer's input was overwritten")
        for parameter, value in zip((layer.weight, layer.bias), layer.squares(gradient), strict=True):
            if id(parameter) in self.names:
                self.sums[self.names[id(parameter)]] = value


def has_rules(model: nn.Module, names: Sequence[str], images: Tensor, batch_size: int) -> bool:
    """Tell whether every wanted parameter is used once, in a layer with a closed form.

    Found by a forward pass over a few copies of one image: as many as no real batch has, so that an axis
    which only happens to be as long as one batch is not taken for the sample axis.

    Args:
        model: In evaluation mode.
        names: Of the parameters wanted.
        images: [N, C, H, W].
        batch_size: Samples a batch of the pass to come.

    Returns:
        Whether ``rules_pass`` covers the model.
    """
    sizes = {min(batch_size, len(images)), len(images) % batch_size}
    samples = next(size for size in (2, 3, 4) if size not in sizes)
    where = next(model.parameters()).device
    taps = _Taps(model, names, samples)
    try:
        with torch.enable_grad(), taps:
            model(images[:1].to(where).repeat(samples, 1, 1, 1).requires_grad_())
    except NoRuleError:
        return False
    return taps.seen == set(names)


def rules_pass(model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Sum squared per-sample gradients of one batch by closed forms.

    Args:
        model: In evaluation mode; ``has_rules`` holds for it.
        names: Of the parameters wanted.
        images: [N, C, H, W], on the model's device.
        labels: int64 [N].

    Returns:
        Sums by parameter name; zeros for a parameter that the likelihood does not depend on.
    """
    taps = _Taps(model, names, len(images))
    leaf = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        with taps:
            logits = model(leaf)
        loss = functional.cross_entropy(logits, labels, reduction="sum")
    torch.autograd.grad(loss, leaf)
    return {name: taps.sums.get(name, torch.zeros_like(model.get_parameter(name).detach())) for name in names}
