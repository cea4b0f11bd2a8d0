"""Timing all measures on one target and source."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.transfer import inputs
from benchmarks.transfer.measures import NAMES, score
from benchmarks.transfer.own_images import affinity, own_fisher, task_embedding
from benchmarks.transfer.scores import target_network
from benchmarks.transfer.settings import settings
from benchmarks.transfer.truth import chosen, learned
from benchmarks.transfer.view import DIFFERENTIATED, DIRECTIONS, first, fitted_fisher, look
from taskzoo.data.tasks import TaskSplit
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import device
from taskzoo.probe.training import in_batches

# What is observed of a source, by the passes over the target's images: forward (F) and backward (B).
PASSES = {
    "features": "1 F",
    "gradients": f"1 F + {DIRECTIONS} B",
    "fisher": "2 F + 1 B",
    "affinity": "2 F + 1 B",
    "nothing": "0",
}
KERNELS = ("fisher_kernel", "fisher_kernel_loo", "fisher_kernel_alone", "fisher_kernel_alone_loo", "lgc")
DIAGONALS = ("ftd", "ftd_layerwise", "fisher_relative", "logdet", "fisher_frobenius", "fisher_trace")
NEEDS = {
    **dict.fromkeys((*KERNELS, "lgc_per_tensor"), "gradients"),
    **dict.fromkeys(DIAGONALS, "fisher"),
    **dict.fromkeys(("task2vec", "task2vec_asymmetric"), "nothing"),
    "tas": "affinity",
}


def needed(name: str) -> str:
    """Return what of ``PASSES`` a measure looks at."""
    return NEEDS.get(name, "features")


def time_pair(setting: str, regime: str, target: str, source: str) -> dict[str, dict[str, float]]:
    """Return the processor's seconds of each measure, and of what to compare them with.

    Those of a measure are of observing what it needs, as if it were the only one, and of its own sums. What a registry
    keeps of a source is there already: its weights, Task2Vec's embedding, the class means of TAS. TAS's Fisher on the
    source's own images is counted: it depends on which classes are matched.

    Args:
        setting: The probe.
        regime: How the target learns.
        target: A task.
        source: A trained source.

    Returns:
        By name, under "seconds" and "others".
    """
    task, params = inputs.task(setting, target), settings()[setting]
    how, classes, state = params.regimes[regime], len(task.classes), inputs.state(setting, source, 0)
    few = chosen(task.val, how, 0)
    others = {
        "own_network": seconds_of(lambda: target_network(setting, regime, target, 0)),
        "embedding": seconds_of(lambda: task_embedding(setting, few, classes)),
        "fine_tuning": seconds_of(lambda: learned(setting, how, state, few, classes, 0)),
        "fine_tuning_passes": (how.steps or 0) * min(params.batch_size, len(few.labels)) / len(few.labels),
    }
    own = target_network(setting, regime, target, 0)
    view = look(setting, source, 0, few, classes, task_embedding(setting, few, classes))
    observed = observing(setting, source, few, classes)
    seconds = {}
    for name in NAMES:
        fresh = replace(view, seen=replace(view.seen))  # Without what another measure has left in it.
        sums = seconds_of(score, name, fresh, own)
        seconds[name] = observed[needed(name)] + sums
    return {"seconds": seconds, "others": others}


def observing(setting: str, source: str, few: TaskSplit, classes: int) -> Mapping[str, float]:
    """Return the processor's seconds of observing each part of ``PASSES``."""
    probe = settings()[setting].probe
    network = inputs.network(setting, classes, inputs.state(setting, source, 0)).eval()
    images, labels = tensors(few, probe)
    features = in_batches(network.backbone, images)

    def gradients() -> None:
        some = images[:DIFFERENTIATED].to(device())
        alike(feature_grams(network.backbone, some, DIRECTIONS)[1], len(some))

    own_fisher.cache_clear()
    forward = seconds_of(in_batches, network.backbone, images)
    return {
        "features": forward,
        "gradients": seconds_of(gradients),
        "fisher": forward + seconds_of(fitted_fisher, network, images, features, labels, classes),
        "affinity": forward
        + seconds_of(affinity, setting, source, 0, first(few), features.double().numpy()[:DIFFERENTIATED]),
        "nothing": 0.0,
    }


def seconds_of(call: Callable[..., Any], *arguments: Any) -> float:
    """Return the processor's seconds of a call: what else the machine does counts little in them."""
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start
