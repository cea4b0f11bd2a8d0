"""The probes of one task: several trainings from the shared initial state that differ in their seed."""

from collections.abc import Mapping
from pathlib import Path

from taskzoo.files import digest_json, remove_others
from taskzoo.parallel import run_jobs
from taskzoo.params import ProbeParams, TrainParams
from taskzoo.probe.forms import AnyTask, class_names, form_of
from taskzoo.probe.network import Probe, State, device, fingerprint
from taskzoo.probe.pyramid import DenseProbe
from taskzoo.probe.storage import ProbeRecord, load_record, save_probe, saved_key
from taskzoo.probe.training import Recipe, fit

CURVE_EVERY = 5


def recipe_of(params: TrainParams) -> Recipe:
    """Return the training recipe that params.yaml describes."""
    return Recipe(
        steps=params.steps,
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        weight_decay=params.weight_decay,
        frozen_batch_norm=params.batch_norm == "frozen",
    )


def train_probes(
    tasks: Mapping[Path, AnyTask], probe: ProbeParams, train: TrainParams, initial: State
) -> dict[Path, list[ProbeRecord]]:
    """Train the probes of tasks on all cores: ``<folder>/<repeat>.safetensors``.

    A probe whose file already has the same key is skipped; other files of the folders are removed.

    Args:
        tasks: Tasks with train and val images, by the folder of their probes.
        probe: Backbone and input form.
        train: Recipe and number of repeats.
        initial: The shared initial state.

    Returns:
        The records by folder, one a repeat.
    """
    print_of = fingerprint(probe, initial)
    paths = {folder: [folder / f"{repeat}.safetensors" for repeat in range(train.repeats)] for folder in tasks}
    waiting = []
    for folder, task in tasks.items():
        remove_others(folder, {path.name for path in paths[folder]})
        for repeat, path in enumerate(paths[folder]):
            key = _key(task, repeat, probe, train, print_of)
            if saved_key(path) != key:
                waiting.append((path, key, task, repeat, probe, train, initial))
    run_jobs(_train, waiting, "train")
    return {folder: [load_record(path) for path in each] for folder, each in paths.items()}


def _key(task: AnyTask, repeat: int, probe: ProbeParams, train: TrainParams, print_of: str) -> str:
    """Return the content hash of all that a probe depends on."""
    recipe = train.model_dump(exclude={"repeats", "eps"})
    return digest_json([task.name, task.digest, repeat, print_of, recipe])


def _train(
    path: Path, key: str, task: AnyTask, repeat: int, probe: ProbeParams, train: TrainParams, initial: State
) -> None:
    """Train one probe and write it."""
    form = form_of(task)
    network = form.build(probe, initial).to(device())
    curve: list[float] = []

    def on_step(step: int, loss: float) -> None:
        if step % CURVE_EVERY == 0:
            curve.append(round(loss, 6))

    fit(network, *form.tensors(task.train, probe), recipe_of(train), repeat, on_step, form.likelihood)
    record = ProbeRecord(
        task=task.name,
        task_digest=task.digest,
        fingerprint=fingerprint(probe, initial),
        repeat=repeat,
        classes=class_names(task),
        score=form.score(network, *form.tensors(task.val, probe)),
        curve=tuple(curve),
        key=key,
    )
    save_probe(path, network, record)


def train_from(task: AnyTask, probe: ProbeParams, recipe: Recipe, state: State, seed: int) -> Probe | DenseProbe:
    """Train one probe on a task's training images from any backbone state."""
    form = form_of(task)
    network = form.build(probe, state).to(device())
    fit(network, *form.tensors(task.train, probe), recipe, seed, likelihood=form.likelihood)
    return network
