"""One forward and backward pass that collects per-sample gradients wherever parameters meet the batch.

Calls are seen where they reach torch, which covers subclasses of layers and functional uses alike. What is made of
parameters alone (a standardised weight, a table of biases, a concatenation) keeps its own graph; where a parameter
or something made of it meets the batch, its per-sample gradient is taken: in closed form at a layer, else as the
gradient of a copy a sample. Gradients of things made of parameters are then pulled back to the parameters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from taskzoo.fisher.attention import attention
from taskzoo.fisher.collecting import Collector
from taskzoo.fisher.gradients import OwnRows, Rows, at_least_single
from taskzoo.fisher.layers import LAYERS, Layer, NoRuleError
from taskzoo.fisher.meetings import Meeting, Meetings

SPREADING = {"expand", "expand_as", "repeat", "tile"}
BROADCASTING = {
    *(
        "add",
        "iadd",
        "radd",
        "sub",
        "isub",
        "rsub",
        "mul",
        "imul",
        "rmul",
        "div",
        "itruediv",
        "truediv",
        "pow",
        "where",
    ),
    *("addcmul", "lerp", "maximum", "minimum", "cat", "concat", "scaled_dot_product_attention"),
}
IN_PLACE = re.compile(r"__setitem__|__i(add|sub|mul|truediv|floordiv|mod|pow|and|or|xor)__|.*[^_]_")
DECIDING = {"__bool__", "item", "tolist", "__int__", "__float__", "__index__"}
COPIES = 1 << 20  # Elements of a tensor copied for each sample: more would not be worth the memory.
Way = Callable[[Any, Any, Any, Sequence[Tensor]], Any]


class Taps(TorchFunctionMode):
    """Sees every torch call of a forward pass.

    Args:
        parameters: Those wanted, by name; they require gradients, the model's others do not.
        samples: Of the batch, N.
        collector: Takes their gradients.
    """

    def __init__(self, parameters: Mapping[str, Tensor], samples: int, collector: Collector) -> None:
        super().__init__()
        self.met = Meetings(parameters, samples, collector)
        self.token = torch.zeros((), device=next(iter(parameters.values())).device, requires_grad=True)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a call, tapped where parameters meet the batch.

        Args:
            func: What was called.
            types: Not used.
            args: Its arguments.
            kwargs: Its arguments by name.

        Returns:
            What the call returned.

        Raises:
            NoRuleError: If the model decides by values of the batch what it computes.
        """
        kwargs = kwargs or {}
        found = _tensors((*args, *kwargs.values()))
        made = [tensor for tensor in found if id(tensor) in self.met.made]
        if not made:
            if getattr(func, "__name__", "") in DECIDING:
                raise NoRuleError("what is computed depends on values, maybe of the whole batch")
            return func(*args, **kwargs)
        batch = [tensor for tensor in found if tensor.requires_grad and id(tensor) not in self.met.made]
        if not batch:
            return self._make(func, args, kwargs, made)
        for way in self._ways(func):
            known = len(self.met.all)
            try:
                return way(func, args, kwargs, batch)
            except (RuntimeError, ValueError, TypeError, IndexError):
                del self.met.all[known:]
        self.met.refused.update(*(self.met.made[id(tensor)][1] for tensor in made))
        return func(*tree_map(self._constant, args), **tree_map(self._constant, kwargs))

    def _ways(self, func: Any) -> Sequence[Way]:
        """Return how a call's per-sample gradients can be taken, the cheapest first."""
        if func in LAYERS:
            return [self._layer, self._mapped]
        if func is functional.multi_head_attention_forward:
            return [self._attention]
        name = getattr(func, "__name__", "").strip("_")
        if name == "matmul":
            return [self._product, self._copies, self._mapped]
        return [self._copies, self._mapped] if name in BROADCASTING else [self._mapped]

    def _make(self, func: Any, args: Any, kwargs: Any, made: Sequence[Tensor]) -> Any:
        """Run a call on parameters alone; one that spreads a tensor over the batch gives it a copy a sample."""
        out = func(*args, **kwargs)
        if getattr(func, "__name__", "") in SPREADING and len(out) == self.met.samples:
            base = self._without_sample_axis(made[0], out.dim())
            if base is not None and base.numel() == out[0].numel():
                return self._copied(base, out.shape)
        names = frozenset[str]().union(*(self.met.made[id(tensor)][1] for tensor in made))
        for tensor in _tensors((out,)):
            if tensor.requires_grad:
                self.met.make(tensor, names)
        return out

    def _layer(self, func: Any, args: Any, kwargs: Any, batch: Sequence[Tensor]) -> Tensor:
        """Run a layer that has closed forms."""
        layer = LAYERS[func](*args, **kwargs)
        x = layer.inputs
        if id(x) in self.met.made or not x.requires_grad or len(x) % self.met.samples:
            raise NoRuleError("the input is not one row a sample")
        layer.samples = self.met.samples
        self.met.watch(x, layer.tensors.values())
        meetings = {role: self.met.add(value) for role, value in layer.tensors.items() if id(value) in self.met.made}
        del layer.inputs, layer.tensors  # The graph keeps what it needs, and frees it when it is done.
        # Nobody asks for the gradient of the model's own input.
        out: Tensor = _Tapped.apply(self.token, x.detach() if x.is_leaf else x, layer, meetings, self.met)
        return out

    def _attention(self, func: Any, args: Any, kwargs: Any, batch: Sequence[Tensor]) -> Any:
        """Run attention in steps that are seen in their turn."""
        with self:
            return attention(*args, **kwargs)

    def _product(self, func: Any, args: Any, kwargs: Any, batch: Sequence[Tensor]) -> Tensor:
        """Run a product with a matrix made of parameters as the linear layer that it is."""
        left, right = args
        if id(right) not in self.met.made or right.dim() != 2:
            raise NoRuleError("no matrix on the right")
        weight = self.met.make(right.mT, self.met.made[id(right)][1])
        return self._layer(functional.linear, (left, weight), {}, batch)

    def _copies(self, func: Any, args: Any, kwargs: Any, batch: Sequence[Tensor]) -> Any:
        """Run any other call with a copy a sample of each tensor made of parameters, aligned with the batch."""
        partner = max(batch, key=Tensor.dim)
        if not partner.dim() or len(partner) % self.met.samples:
            raise NoRuleError("the batch is not one row a sample")
        self.met.watch(partner, _tensors((*args, *kwargs.values())))

        def copy(leaf: Any) -> Any:
            if id(leaf) not in self.met.made:
                return leaf
            if leaf.dim() == partner.dim() and len(leaf) == len(partner) > 1:
                through: Tensor = _Through.apply(
                    self.token, leaf.detach(), self.met.add(leaf, leaf.shape[1:]), self.met
                )
                return through
            base = self._without_sample_axis(leaf, partner.dim())
            if base is None:
                raise NoRuleError("a parameter with an axis of samples")
            shape = (len(partner), *(1,) * (partner.dim() - 1 - base.dim()), *base.shape)
            return self._copied(base, shape)

        return func(*tree_map(copy, args), **tree_map(copy, kwargs))

    def _mapped(self, func: Any, args: Any, kwargs: Any, batch: Sequence[Tensor]) -> Any:
        """Run any other call sample by sample in one vectorised call, with a copy a sample of what parameters made."""
        if IN_PLACE.fullmatch(getattr(func, "__name__", "")):
            raise NoRuleError("a call that writes in place")
        samples, members = self.met.samples, {id(tensor) for tensor in batch}
        leaves, form = tree_flatten((args, kwargs))
        axes: list[int | None] = [0 if id(leaf) in self.met.made or id(leaf) in members else None for leaf in leaves]
        inputs = []
        for leaf in leaves:
            if id(leaf) in self.met.made:
                if leaf.numel() > COPIES:
                    raise NoRuleError("a copy a sample would not fit in memory")
                inputs.append(self._copied(leaf, (samples, *leaf.shape)))
            elif id(leaf) in members:
                if not leaf.dim() or len(leaf) % samples:
                    raise NoRuleError("the batch is not one row a sample")
                self.met.watch(leaf, _tensors((*args, *kwargs.values())))
                inputs.append(leaf.reshape(samples, -1, *leaf.shape[1:]))
            else:
                inputs.append(leaf)

        def one(*values: Any) -> Any:
            given, named = tree_unflatten(list(values), form)
            return func(*given, **named)

        out = torch.vmap(one, tuple(axes))(*inputs)
        return tree_map(lambda value: value.flatten(0, 1), out)

    def _without_sample_axis(self, tensor: Tensor, axes: int) -> Tensor | None:
        """Return a made tensor without the axis that meets the samples of ``axes`` axes; None if it has one."""
        if tensor.dim() < axes:
            return tensor
        if tensor.dim() > axes or len(tensor) != 1:
            return None
        return self.met.make(tensor[0], self.met.made[id(tensor)][1])

    def _copied(self, base: Tensor, shape: Sequence[int]) -> Tensor:
        out: Tensor = _Copied.apply(self.token, base.detach(), tuple(shape), self.met.add(base), self.met)
        return out

    def _constant(self, leaf: Any) -> Any:
        return leaf.detach() if id(leaf) in self.met.made else leaf


class _Tapped(torch.autograd.Function):
    """A layer; its backward pass takes the per-sample gradients of its weights."""

    @staticmethod
    def forward(
        ctx: Any, token: Tensor, x: Tensor, layer: Layer, meetings: Mapping[str, Meeting], met: Meetings
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.layer, ctx.meetings, ctx.met = layer, meetings, met
        out = layer.forward(x)
        # A view made in here could not be written to in place afterwards, as activations do.
        return out if out._base is None else torch.ops.aten._unsafe_view(out, out.shape)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        x, g = at_least_single(x), at_least_single(g)
        gradient, found = ctx.layer.backward(x, g, ctx.needs_input_grad[1])
        if ctx.met.last:
            ctx.layer = None
        ctx.met.arrive({meeting: found[role] for role, meeting in ctx.meetings.items()})
        return None, gradient, None, None, None


class _Copied(torch.autograd.Function):
    """A copy a sample of a tensor: its gradient is the per-sample gradient."""

    @staticmethod
    def forward(
        ctx: Any, token: Tensor, base: Tensor, shape: tuple[int, ...], meeting: Meeting, met: Meetings
    ) -> Tensor:
        ctx.meeting, ctx.met, ctx.shape = meeting, met, base.shape
        return base.reshape(shape[1:]).expand(shape)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        rows = at_least_single(g).reshape(ctx.met.samples, -1, *g.shape[1:]).sum(1).view(-1, *ctx.shape)
        ctx.met.arrive({ctx.meeting: Rows(rows)})
        return None, None, None, None, None


class _Through(torch.autograd.Function):
    """Something made of parameters for each sample of the batch: a sample's gradient is that of its own rows."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, made: Tensor, meeting: Meeting, met: Meetings) -> Tensor:
        ctx.meeting, ctx.met = meeting, met
        return made.view_as(made)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        ctx.met.arrive({ctx.meeting: OwnRows(at_least_single(g).reshape(ctx.met.samples, -1, *g.shape[1:]))})
        return None, None, None, None


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    """Return the tensors among arguments and in their lists, tuples and dictionaries."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _tensors(value)
        elif isinstance(value, dict):
            found += _tensors(tuple(value.values()))
    return found
