"""The distances as the product computes them, and with the defects of the authors' scripts, one by one."""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.published.settings import FISHER, LD_BATCH, LD_FLOOR, REFERENCE_BATCH, zoo
from taskzoo.data.tasks import Task, draw
from taskzoo.distance.ftd import ftd, ftd_reference_squared
from taskzoo.distance.ftd_layerwise import ftd_layerwise
from taskzoo.distance.logdet import logdet
from taskzoo.fisher.check import Diagonal
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.observation import Observation
from taskzoo.fisher.observe import observe
from taskzoo.params import ProbeParams
from taskzoo.probe.network import Probe, normalise

WIDEST = 10  # Outputs.


@dataclass(frozen=True)
class Views:
    """A source's network on a target's images.

    Attributes:
        fitted: As the product sees it: a head fitted to the target, the Fisher of the backbone.
        fitted_batch: The same with batch gradients.
        padded: As the scripts see it: the source's own head, padded; the Fisher of backbone and head.
        padded_batch: The same with batch gradients.
        scripts: The same with the network in training mode, which the scripts never leave: it normalises each batch by
            the batch's own statistics.
        scripts_ld: The same with the batches of LD-NAS.
    """

    fitted: Observation
    fitted_batch: Observation
    padded: Observation
    padded_batch: Observation
    scripts: Observation
    scripts_ld: Observation


def logdet_by_tensor(ab: Observation, bb: Observation) -> float:
    """Return LD-NAS' distance as its scripts have it: a floor beside a trace of 1, absolute values tensor by tensor."""
    f, g = _unit_trace(ab.fisher), _unit_trace(bb.fisher)
    apart = [float((torch.log(f[name] + LD_FLOOR) - torch.log(g[name] + LD_FLOOR)).sum()) for name in f]
    return sum(map(abs, apart)) / sum(value.numel() for value in f.values())


def _unit_trace(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    trace = sum(float(value.double().sum()) for value in values.values())
    return {name: value.double() / trace for name, value in values.items()}


VARIANTS: dict[str, Callable[[Views, Views], float]] = {
    "ftd": lambda ab, bb: ftd(ab.fitted, bb.fitted),
    "ftd_layerwise": lambda ab, bb: ftd_layerwise(ab.fitted, bb.fitted),
    "ftd_squared": lambda ab, bb: ftd_reference_squared(ab.fitted, bb.fitted),
    "ftd_batch": lambda ab, bb: ftd(ab.fitted_batch, bb.fitted_batch),
    "ftd_padded": lambda ab, bb: ftd(ab.padded, bb.padded),
    "ftd_padded_batch": lambda ab, bb: ftd(ab.padded_batch, bb.padded_batch),
    "ftd_reference": lambda ab, bb: ftd_reference_squared(ab.scripts, bb.scripts),
    "logdet": lambda ab, bb: logdet(ab.fitted, bb.fitted),
    "logdet_reference": lambda ab, bb: logdet_by_tensor(ab.scripts_ld, bb.scripts_ld),
}


class Padded(nn.Module):
    """A probe whose missing outputs are logits of zero, which compete with those that it has learned.

    Args:
        probe: With a head of its own task.
        classes: Of the target.
    """

    def __init__(self, probe: Probe, classes: int) -> None:
        super().__init__()
        self.backbone, self.head = probe.backbone, probe.head
        self.missing = max(0, classes - probe.head.out_features)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of normalised images: class k of the source stands for class k of the target."""
        return functional.pad(self.head(self.backbone(images)), (0, self.missing))


def batch_fisher(
    model: nn.Module, images: Tensor, labels: Tensor, batch_size: int, names: Collection[str] | None = None
) -> Diagonal:
    """Average the squared gradients of batches' mean losses, as the authors' scripts do; no Fisher information.

    Args:
        model: Maps images to logits, in evaluation mode or, as the scripts leave it, in training mode.
        images: [N, 3, H, W].
        labels: int64 [N].
        batch_size: Images a gradient, of which the result depends.
        names: Of the parameters wanted; all where left out.

    Returns:
        float32 tensors on the CPU, by name.
    """
    wanted = {name: value for name, value in model.named_parameters() if names is None or name in names}
    where = next(model.parameters()).device
    sums = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in wanted.items()}
    parts = list(zip(torch.split(images, batch_size), torch.split(labels, batch_size), strict=True))
    for x, y in parts:
        loss = functional.cross_entropy(model(x.to(where)), y.to(where))
        for name, gradient in zip(wanted, torch.autograd.grad(loss, list(wanted.values())), strict=True):
            sums[name] += gradient.double() ** 2
    return {name: (total / len(parts)).float().cpu() for name, total in sums.items()}


def look(source: str, trained: Probe, target: Task, seed: int, probe: ProbeParams, fingerprint: str) -> Views:
    """Take a source's network on a target's images in all ways.

    Args:
        source: The source's name.
        trained: Its probe, with the head it was trained with.
        target: With training and validation images.
        seed: Of the draws.
        probe: Backbone and input form.
        fingerprint: Of the probe.

    Returns:
        The views, all of the same held-out images.
    """
    fitted = observe(source, trained.backbone.state_dict(), target, seed, probe, FISHER, fingerprint)
    held_out = draw(target.val, FISHER.images, seed)
    images, labels = normalise(held_out.images, probe), torch.from_numpy(held_out.labels)
    batch_size = REFERENCE_BATCH[zoo().tasks[target.name].dataset]
    classes = len(target.classes)
    head = fit_head(fitted.features, fitted.labels, classes).to(next(trained.parameters()).device)
    names = [name for name, _ in trained.backbone.named_parameters()]
    padded = Padded(trained, classes).eval()
    training = deepcopy(padded).train()  # A copy, since batch statistics move the running ones.
    loader = DataLoader(TensorDataset(images, labels), FISHER.batch_size)
    under_fitted = nn.Sequential(trained.backbone, head).eval()
    squares = batch_fisher(under_fitted, images, labels, batch_size, [f"0.{n}" for n in names])
    return Views(
        fitted=fitted,
        fitted_batch=replace(fitted, fisher={name.removeprefix("0."): value for name, value in squares.items()}),
        padded=replace(fitted, fisher=widened(fisher(padded, loader))),
        padded_batch=replace(fitted, fisher=widened(batch_fisher(padded, images, labels, batch_size))),
        scripts=replace(fitted, fisher=widened(batch_fisher(training, images, labels, batch_size))),
        scripts_ld=replace(fitted, fisher=widened(batch_fisher(training, images, labels, LD_BATCH))),
    )


def widened(values: Mapping[str, Tensor]) -> Diagonal:
    """Return a Fisher whose head has rows of zeros up to the most classes of all tasks, so that all can be compared."""
    rows = {name: WIDEST - len(value) for name, value in values.items() if name.startswith("head.")}
    padding = {name: (0, 0) * (values[name].dim() - 1) + (0, missing) for name, missing in rows.items()}
    return {name: functional.pad(value, padding[name]) if name in rows else value for name, value in values.items()}
