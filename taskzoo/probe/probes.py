"""The probes of one task: several trainings from the shared initial state that differ in their seed."""

from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.params import ProbeParams, TrainParams
from taskzoo.probe.network import Probe, State, build_probe, device, fingerprint, normalise
from taskzoo.probe.storage import ProbeRecord, save_probe
from taskzoo.probe.training import Recipe, accuracy, fit

CURVE_EVERY = 5


def tensors(split: TaskSplit, probe: ProbeParams) -> tuple[Tensor, Tensor]:
    """Return a split's images, normalised float32 [N, 3, S, S], and labels, int64 [N]."""
    return normalise(split.images, probe), torch.from_numpy(split.labels)


def recipe_of(params: TrainParams) -> Recipe:
    """Return the training recipe that params.yaml describes."""
    return Recipe(
        steps=params.steps,
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        weight_decay=params.weight_decay,
        frozen_batch_norm=params.batch_norm == "frozen",
    )


def train_probes(task: Task, probe: ProbeParams, train: TrainParams, initial: State, folder: Path) -> list[ProbeRecord]:
    """Train a task's probes and write ``folder/<repeat>.safetensors``.

    Args:
        task: Classes and images.
        probe: Backbone and input form.
        train: Recipe and number of repeats.
        initial: The shared initial state.
        folder: Where the files go.

    Returns:
        One record a repeat.
    """
    images, labels = tensors(task.train, probe)
    held_out = tensors(task.val, probe)
    print_of = fingerprint(probe, initial)
    records = []
    with Progress(transient=True) as progress:
        bar = progress.add_task(f"train {task.name}", total=train.repeats * train.steps)
        for repeat in range(train.repeats):
            network = build_probe(probe, len(task.classes), initial).to(device())
            curve: list[float] = []

            def on_step(step: int, loss: float, curve: list[float] = curve) -> None:
                if step % CURVE_EVERY == 0:
                    curve.append(round(loss, 6))
                progress.advance(bar)

            fit(network, images, labels, recipe_of(train), repeat, on_step)
            record = ProbeRecord(
                task=task.name,
                task_digest=task.digest,
                fingerprint=print_of,
                repeat=repeat,
                classes=task.classes,
                accuracy=accuracy(network, *held_out),
                curve=tuple(curve),
            )
            save_probe(folder / f"{repeat}.safetensors", network, record)
            records.append(record)
    return records


def train_from(task: Task, probe: ProbeParams, recipe: Recipe, state: State, seed: int) -> Probe:
    """Train one probe on a task's training images from any backbone state."""
    network = build_probe(probe, len(task.classes), state).to(device())
    fit(network, *tensors(task.train, probe), recipe, seed)
    return network
