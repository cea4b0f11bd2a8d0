"""Ways to the exact diagonal empirical Fisher, ours and others', all called alike.

Each takes a network in evaluation mode and one batch, prepares what does not depend on the images' values, and
returns a pass that sums the squared gradients of log p(y|x) of every sample: what is timed. Other libraries are
imported when they are prepared: none is a dependency of taskzoo.
"""

import copy
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.fisher.cases import RIVALS
from taskzoo.fisher.checkpoint import Progress
from taskzoo.fisher.engine import Engine
from taskzoo.fisher.evaluation import ready
from taskzoo.likelihood import Categorical

Sums = dict[str, Tensor]
Pass = Callable[[], Sums]
Prepare = Callable[[nn.Module, Tensor, Tensor], Pass]


class WrongError(RuntimeError):
    """A library shows before its pass that its result cannot be right."""


def prepare_plain(model: nn.Module, images: Tensor, labels: Tensor) -> Pass:
    """Return the yardstick: forward and backward of the mean loss with the gradients of all weights."""
    weights = dict(model.named_parameters())

    def run() -> Sums:
        loss = functional.cross_entropy(model(images), labels)
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        return {name: value for name, value in zip(weights, gradients, strict=True) if value is not None}

    return run


def prepare_ours(model: nn.Module, images: Tensor, labels: Tensor) -> Pass:
    """Return one batch of taskzoo's ``fisher``, with its float64 sums; its planning, once a model, is done here."""
    names = [name for name, _ in model.named_parameters()]
    with ready(model, names):
        engine = Engine(model, names, Categorical(), images)

    def run() -> Sums:
        with ready(model, names):
            sums = engine.sums(images, lambda outputs: [(labels, None)])
        return Progress().add(sums, len(images), 1).sums

    return run


def prepare_backpack(model: nn.Module, images: Tensor, labels: Tensor) -> Pass:
    """Return BackPACK's ``SumGradSquared`` on the network that its converter makes of ours.

    Activations in place are switched off: backward hooks do not bear them.
    """
    library, extensions = import_module("backpack"), import_module("backpack.extensions")
    network = _same_weights(model)
    modules: Iterable[Any] = network.modules()
    for module in modules:
        if hasattr(module, "inplace"):
            module.inplace = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of second-order extensions.
        extended: nn.Module = library.extend(network, use_converter=True).eval()
    weights = dict(extended.named_parameters())

    def run() -> Sums:
        loss = functional.cross_entropy(extended(images), labels, reduction="sum")
        with library.backpack(extensions.SumGradSquared()):
            torch.autograd.backward(loss)
        sums: Sums = {}
        for name, weight in weights.items():
            weight.grad = None
            if hasattr(weight, "sum_grad_squared"):
                sums[name] = weight.sum_grad_squared
                del weight.sum_grad_squared
        return sums

    return run


def prepare_nngeometry(model: nn.Module, images: Tensor, labels: Tensor) -> Pass:
    """Return nngeometry's ``PMatDiag`` of the log-likelihood of the given labels: one output a sample.

    Its ``FIM`` and ``FIM_MonteCarlo`` average over the model's labels, so the generator below them is called.

    Raises:
        WrongError: If its layers do not hold as many numbers as the network: it leaves out the parameters of
            modules that have children, and takes a grouped convolution for a dense one.
    """
    backend, layers = import_module("nngeometry.backend"), import_module("nngeometry.layercollection")
    diagonal = import_module("nngeometry.object.pspace").PMatDiag
    network = _same_weights(model)
    collection = layers.LayerCollection.from_model(network)
    have, count = sum(weight.numel() for weight in network.parameters()), collection.numel()
    if count != have:
        raise WrongError(f"its layers hold {count:,} numbers, the network's parameters {have:,}")

    def log_likelihood(batch: Tensor, wanted: Tensor) -> Tensor:
        logits: Tensor = network(batch)
        return logits.log_softmax(1).gather(1, wanted[:, None])

    generator = backend.TorchHooksJacobianBackend(network, log_likelihood, layer_collection=collection)
    weights = dict(collection.named_parameters(generator.l_to_m))

    def run() -> Sums:
        flat: Tensor = diagonal(generator=generator, examples=(images, labels)).get_diag() * len(images)
        parts = torch.split(flat, [weight.numel() for weight in weights.values()])
        return {name: part.view_as(weights[name]) for name, part in zip(weights, parts, strict=True)}

    return run


def prepare_vmap(model: nn.Module, images: Tensor, labels: Tensor, chunk: int) -> Pass:
    """Return ``vmap(grad)`` over a few samples at a time, added up."""
    weights = {name: value.detach() for name, value in model.named_parameters()}

    def loss(values: Sums, image: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(model, values, (image[None],)), label[None])

    gradients_of = vmap(grad(loss), in_dims=(None, 0, 0))

    def run() -> Sums:
        sums = {name: torch.zeros_like(value) for name, value in weights.items()}
        with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):  # Fused attention has no batching rule.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            for image, label in zip(torch.split(images, chunk), torch.split(labels, chunk), strict=True):
                # Never in place: gradients can share memory (class token and position embedding).
                for name, gradient in gradients_of(weights, image, label).items():
                    sums[name] += gradient.square().sum(0)
        return sums

    return run


def prepare_loop(model: nn.Module, images: Tensor, labels: Tensor) -> Pass:
    """Return one backward pass a sample."""
    weights = dict(model.named_parameters())

    def run() -> Sums:
        sums = {name: torch.zeros_like(value) for name, value in weights.items()}
        for image, label in zip(torch.split(images, 1), torch.split(labels, 1), strict=True):
            loss = functional.cross_entropy(model(image), label)
            gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
            for name, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    sums[name].addcmul_(gradient, gradient)
        return sums

    return run


def _same_weights(model: nn.Module) -> nn.Module:
    """Return a copy of the modules, for libraries to hook and convert, around the same parameters."""
    return copy.deepcopy(model, {id(weight): weight for weight in model.parameters()})


OTHERS: dict[str, Prepare] = dict(
    zip(
        RIVALS,
        (
            prepare_backpack,
            prepare_nngeometry,
            partial(prepare_vmap, chunk=4),
            partial(prepare_vmap, chunk=16),
            prepare_loop,
        ),
        strict=True,
    )
)
METHODS: dict[str, Prepare] = {"plain": prepare_plain, "ours": prepare_ours, **OTHERS}
