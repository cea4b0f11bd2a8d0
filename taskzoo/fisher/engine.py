"""Sums of squared per-sample gradients of a batch: by the taps where they are right, sample by sample elsewhere."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from taskzoo.fisher.collecting import Collector, Grams, Squares
from taskzoo.fisher.evaluation import caching, forget
from taskzoo.fisher.gradients import at_least_single
from taskzoo.fisher.layers import NoRuleError
from taskzoo.fisher.meetings import Signature, Watched, restricted
from taskzoo.fisher.taps import Taps
from taskzoo.fisher.trial import HALF, in_single, mixed, pair_of
from taskzoo.likelihood import Likelihood

Sums = dict[str, Tensor]
Targets = Sequence[tuple[Tensor, Tensor | None]]  # Targets [N], each with the weight of its squares, [N] or all one.
Choose = Callable[[Tensor], Targets]  # From the outputs.
TOLERANCE = {torch.float32: 1e-2, torch.float64: 1e-5}  # Of the largest entry.
UNLIKE = torch.tensor([1.0, 9.0])  # Weights of the two samples on which rules are tried, so that none stands for both.
NEGLIGIBLE = 1e-6  # Of the network's largest entry: a true zero comes out as rounding.


class Engine:
    """Sums of squared gradients of a model's likelihood, batch by batch.

    Made once a model: two samples are computed both ways, and parameters for which the taps do not give what one
    backward pass a sample gives are left to the latter.

    Args:
        model: In evaluation mode, inside ``ready``.
        names: Of the parameters wanted.
        likelihood: Of the model's outputs.
        inputs: Some of the inputs to come, [n, ...]; at least one.

    Attributes:
        alone: Names of the parameters whose gradients are taken sample by sample.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], likelihood: Likelihood, inputs: Tensor) -> None:
        self.model, self.names, self.likelihood = model, names, likelihood
        self._parameters = {name: model.get_parameter(name) for name in names}
        self._caching = caching(model)
        self.alone: list[str] = []
        self._signature: Signature | None = None
        self._refused: set[str] = set()
        with in_single(model):
            self.alone = self._tried(inputs.float() if inputs.dtype in HALF else inputs)

    def _tried(self, inputs: Tensor) -> list[str]:
        """Return the names of the parameters for which the taps are not right, on two samples.

        A parameter is trusted where what it meets of the first sample does not depend on the second, so that the
        batch lies sample by sample there, and where its sums are those of one backward pass a sample.
        """
        pair, changed = pair_of(inputs, 0), pair_of(inputs, 1)
        drawn = torch.Generator().manual_seed(0)
        targets: list[Tensor] = []

        def choose(outputs: Tensor) -> Targets:
            targets.extend(self.likelihood.draw(outputs.detach(), 1, drawn))
            return [(targets[0], UNLIKE.to(outputs))]

        wrong: set[str] = set()
        try:
            left = self._tapped(pair, choose, Squares())
            wrong |= mixed(self._watched(pair), self._watched(changed))
        except RuntimeError:
            left = {}
        if not targets:
            choose(self._outputs(pair))
        scales = {name: float(value.abs().max()) for name, value in left.items() if value.numel()}
        floor = NEGLIGIBLE * max(scales.values(), default=0.0)

        def compare(name: str, squares: Tensor) -> None:
            if name in left:
                left[name] -= squares
            elif squares.any():
                wrong.add(name)

        self._one_by_one(self.names, pair, [(targets[0], UNLIKE.to(pair.device))], compare)
        for name, scale in scales.items():
            if not bool((left[name].abs() <= TOLERANCE[left[name].dtype] * max(scale, floor)).all()):
                wrong.add(name)
        return [name for name in self.names if name in wrong]

    def sums(self, inputs: Tensor, choose: Choose) -> Sums:
        """Sum the squared per-sample gradients of a batch.

        Args:
            inputs: [N, ...] on the model's device.
            choose: Gives the targets, from the outputs.

        Returns:
            Sums by parameter name; zeros for a parameter that the likelihood does not depend on.

        Raises:
            OutOfMemoryError: If the batch does not fit on the device.
        """
        chosen: list[Targets] = []

        def keep(outputs: Tensor) -> Targets:
            chosen.append(choose(outputs.detach()))
            return chosen[0]

        alone = self.alone
        try:
            sums = self._tapped(inputs, keep, Squares())
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            if not chosen:
                keep(self._outputs(inputs))
            sums, alone = {}, list(self.names)
        missing = [name for name in self.names if name not in sums and (name in alone or name in self._refused)]
        self._one_by_one(missing, inputs, chosen[0], lambda name, squares: _add(sums, name, squares))
        for name in self.names:
            if name not in sums:
                sums[name] = torch.zeros_like(self._parameters[name].detach())
        return {name: sums[name] for name in self.names}

    def grams(self, inputs: Tensor, choose: Choose) -> Sums:
        """Return the inner products of the samples' gradients, [N, N] by parameter name.

        A batch whose length some axis of a parameter's copies shares by chance raises NoRuleError: take another length.

        Args:
            inputs: [N, ...] on the model's device.
            choose: Gives the targets, from the outputs; their products are added.

        Returns:
            Of the parameters whose gradients the closed forms give and that the likelihood depends on.
        """
        return self._tapped(inputs, choose, Grams(len(inputs)))

    def _outputs(self, inputs: Tensor) -> Tensor:
        forget(self._caching)
        with torch.no_grad():
            outputs: Tensor = self.model(inputs.clone())
        return outputs

    def _through(self, taps: Taps, inputs: Tensor) -> Tensor:
        """Return the outputs of a forward pass that the taps see; other parameters are constants in it."""
        forget(self._caching)
        for name, value in self._parameters.items():
            value.requires_grad_(name in taps.met.parameters)
        leaf = inputs.detach().clone()
        with torch.enable_grad(), taps:
            outputs: Tensor = self.model(leaf.requires_grad_() if leaf.is_floating_point() else leaf)
        return outputs

    def _watched(self, inputs: Tensor) -> Watched:
        """Return what parameters meet of the first of two samples."""
        taps = Taps(self._parameters, len(inputs), Squares())
        taps.met.watched = []
        self._through(taps, inputs)
        return taps.met.watched

    def _tapped(self, inputs: Tensor, choose: Choose, collector: Collector) -> Sums:
        """Return what is collected of the parameters that the taps serve.

        Raises:
            NoRuleError: If parameters meet this batch otherwise than they met the first: an axis as long as the batch.
        """
        names = [name for name in self.names if name not in set(self.alone)]
        if not names:
            choose(self._outputs(inputs))
            return {}
        taps = Taps({name: self._parameters[name] for name in names}, len(inputs), collector)
        outputs = self._through(taps, inputs)
        met = taps.met
        if self._signature is None:
            self._signature = met.signature()
        elif restricted(met.signature(), names) != restricted(self._signature, names):
            raise NoRuleError("this batch meets the parameters otherwise")
        met.settle()
        targets = choose(outputs)
        for left, (target, weight) in zip(reversed(range(len(targets))), targets, strict=True):
            with torch.enable_grad():
                each = self.likelihood.negative_log(outputs, target)
                loss = each.sum() if weight is None else (each * weight.sqrt()).sum()
            met.last = not left
            # Whatever reaches a parameter itself has passed the taps by.
            reached = torch.autograd.grad(
                loss, [taps.token, *met.parameters.values()], retain_graph=left > 0, allow_unused=True
            )
            met.refused |= {name for name, each in zip(names, reached[1:], strict=True) if each is not None}
            met.finish()
        self._refused = met.refused
        return {name: value for name, value in collector.results.items() if name not in met.refused}

    def _one_by_one(
        self, names: Sequence[str], inputs: Tensor, targets: Targets, take: Callable[[str, Tensor], None]
    ) -> None:
        """Let ``take`` have the squared gradients of parameters, with one backward pass a sample, one by one.

        Every sample runs twice in its batch and the gradient is halved: the backward pass of evaluation-mode
        batch normalisation is wrong on the CPU for a batch of one whose incoming gradient is transposed.
        """
        if not names:
            return
        leaves = {name: self._parameters[name].requires_grad_() for name in names}

        def on_gradient(name: str, leaf: Tensor) -> None:
            gradient, leaf.grad = leaf.grad, None
            if gradient is not None:
                take(name, at_least_single(gradient).square())

        hooks = [
            leaf.register_post_accumulate_grad_hook(partial(on_gradient, name))  # type: ignore[no-untyped-call]
            for name, leaf in leaves.items()
        ]
        try:
            for index, sample in enumerate(inputs):
                forget(self._caching)
                with torch.enable_grad():
                    outputs = self.model(torch.stack([sample, sample]))
                    losses = [
                        self.likelihood.negative_log(outputs, target[[index, index]]).mean()
                        * (1 if weight is None else weight[index].sqrt())
                        for target, weight in targets
                    ]
                for left, loss in zip(reversed(range(len(losses))), losses, strict=True):
                    loss.backward(inputs=list(leaves.values()), retain_graph=left > 0)  # type: ignore[no-untyped-call]
        finally:
            for hook in hooks:
                hook.remove()


def _add(sums: Sums, name: str, squares: Tensor) -> None:
    """Add to a sum that may not be there yet."""
    if name in sums:
        sums[name] += squares
    else:
        sums[name] = squares
