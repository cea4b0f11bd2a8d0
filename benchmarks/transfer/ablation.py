"""What the Fisher kernel is made of: ``python -m benchmarks.transfer.ablation``.

How many directions of the features are differentiated, which, in which layers, and how tensors are weighed; each by the
evidence and by leaving images out. It measures what is missing in ``benchmarks/results/transfer/ablation``; the page is
that of ``python -m benchmarks.transfer --summary``.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.scores import key, sources
from benchmarks.transfer.settings import REPEATS, RESULTS, SCORED_DRAWS, settings
from benchmarks.transfer.truth import chosen
from benchmarks.transfer.view import first
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.kernel_regression import log_evidence, loo_r2, unit
from taskzoo.distance.transferability.arrays import Array, one_hot
from taskzoo.fisher.engine import Engine
from taskzoo.fisher.evaluation import ready
from taskzoo.fisher.feature_gram import DEAD, Directions, alike
from taskzoo.fisher.head import fit_head
from taskzoo.parallel import run_jobs
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import device

RANDOM = (1, 2, 4, 8)  # Numbers of random directions.
VARIANTS = (
    *(f"random {count}" for count in RANDOM),
    "first half",
    "second half",
    "not weighed",
    "fitted head",
    "log-likelihood",
    "gradients alone",
)
USUAL = "random 2"  # The product's.
COLUMNS = ("key", "target", "source", "draw", *(f"{name} {how}" for name in VARIANTS for how in ("evidence", "loo")))


def variants(setting: str, source: str, repeat: int, few: TaskSplit, classes: int) -> dict[str, float]:
    """Return evidence and leave-one-out R^2 of every variant, by column.

    - random r: the product's kernel with r random directions of the standardised features (it has 2);
    - first half, second half: of its tensors, in the network's order;
    - not weighed: tensors as they are, not of equal trace;
    - fitted head: the directions of a head that was fitted to the labels, instead of random ones;
    - log-likelihood: of the labels under that head, image by image: the empirical Fisher's own dual;
    - gradients alone: random 2 without the features.
    """
    network = inputs.network(setting, classes, inputs.state(setting, source, repeat)).eval()
    images, labels = (part.to(device()) for part in tensors(few, settings()[setting].probe))
    with torch.no_grad():
        features = network.backbone(images)
    head = fit_head(features, labels, classes).to(device())
    wrong = head(features).softmax(1) - torch.nn.functional.one_hot(labels, classes)
    shape = features.shape
    found = {f"random {count}": grams(network.backbone, images, random(features, count)) for count in RANDOM}
    usual = found[USUAL]
    half = len(usual) // 2
    kernels = {name: alike(each, len(labels)) for name, each in found.items()}
    kernels["first half"] = alike(dict(list(usual.items())[:half]), len(labels))
    kernels["second half"] = alike(dict(list(usual.items())[half:]), len(labels))
    kernels["not weighed"] = torch.stack(list(usual.values())).double().sum(0)
    by_class = [row.expand(shape) for row in head.weight.detach()]
    kernels["fitted head"] = alike(grams(network.backbone, images, by_class), len(labels))
    errors = [(wrong @ head.weight).detach()]
    kernels["log-likelihood"] = alike(grams(network.backbone, images, errors), len(labels))
    seen = unit((features @ features.T).double().cpu().numpy())
    sums = {name: seen + unit(kernel.numpy()) for name, kernel in kernels.items()}
    sums["gradients alone"] = unit(kernels[USUAL].numpy())
    return dict(_values(sums, few, classes))


def _values(kernels: Mapping[str, Array], few: TaskSplit, classes: int) -> Iterator[tuple[str, float]]:
    responses = one_hot(few.labels, classes)
    for name, kernel in kernels.items():
        yield f"{name} evidence", log_evidence(kernel, responses)
        yield f"{name} loo", float(loo_r2(kernel, responses).max())


def random(features: Tensor, count: int) -> list[Tensor]:
    """Return random directions of the standardised features, the same for all images, [N, D] each."""
    spread = features.std(0)
    scale = spread.clamp(min=DEAD * float(spread.max()))
    generator = torch.Generator().manual_seed(0)
    drawn = Directions().draw(features, count, generator)
    return [direction / scale.where(scale > 0, 1) for direction in drawn]


def grams(backbone: torch.nn.Module, images: Tensor, directions: list[Tensor]) -> Mapping[str, Tensor]:
    """Return inner products of the gradients of the features along directions, by parameter, on the CPU."""
    names = [name for name, _ in backbone.named_parameters()]
    with ready(backbone, names):
        engine = Engine(backbone, names, Directions(), images)
        found = engine.grams(images, lambda _: [(each, None) for each in directions])
    return {name: gram.cpu() for name, gram in found.items()}


def path_of(setting: str, regime: str) -> Path:
    """Return the file of a regime's variants."""
    return RESULTS / "ablation" / f"{setting}-{regime}.csv"


def table(setting: str, regime: str) -> pd.DataFrame:
    """Return the results so far."""
    return rows.read(path_of(setting, regime), COLUMNS)


def missing(setting: str, regime: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield targets and draws that lack a source."""
    done = set(table(setting, regime)["key"])
    for draw in range(SCORED_DRAWS):
        for target in settings()[setting].targets:
            if any(key(setting, regime, target, source, draw) not in done for source in sources(setting, target)):
                yield setting, regime, target, draw


def measure(setting: str, regime: str, target: str, draw: int) -> None:
    """Measure all variants of all sources on the images of one draw."""
    task, how = inputs.task(setting, target), settings()[setting].regimes[regime]
    few = first(chosen(task.val, how, draw))
    found = []
    for source in sources(setting, target):
        values = variants(setting, source, draw % REPEATS, few, len(task.classes))
        told = [f"{values[name]:.6g}" for name in COLUMNS[4:]]
        found.append((key(setting, regime, target, source, draw), target, source, draw, *told))
    rows.append(path_of(setting, regime), COLUMNS, found)


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", nargs="*", default=["small"], help="which probes")
    parser.add_argument("--regimes", nargs="*", default=["few10"], help="which regimes")
    options = parser.parse_args()
    inputs.build_datasets()
    for setting in options.settings:
        inputs.train_sources(setting)
        for regime in options.regimes:
            rows.drop_others(path_of(setting, regime), COLUMNS)
            run_jobs(measure, list(missing(setting, regime)), f"{setting} {regime} ablation")


if __name__ == "__main__":
    main()
