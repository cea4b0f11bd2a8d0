"""Tasks, sources and initial states, made once and kept in a cache."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from torch import Tensor

from benchmarks.transfer.settings import CACHE, PROBES, SEED, SPLIT, UNSEEN, data, settings, zoo
from benchmarks.transfer.unseen import fetch
from taskzoo.data.store import build_dataset
from taskzoo.data.tasks import Task, load_task
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import DatasetParams
from taskzoo.probe.network import Probe, State, build_probe, device, fingerprint, initial_state
from taskzoo.probe.probes import train_probes
from taskzoo.probe.storage import load_backbone, load_state


def build_datasets(names: Sequence[str] = PROBES) -> None:
    """Bring the data sets of settings into the product's form; those that were out of sight are fetched first."""
    needed = {zoo().tasks[source].dataset for name in names for source in settings()[name].sources}
    if needed & set(zoo().unseen):
        fetch()
    for name in sorted(needed):
        folder = CACHE / "datasets" / name
        if not folder.exists():
            params = (zoo().datasets | zoo().unseen)[name]
            build_dataset(name, params.model_copy(update={"path": str(_raw(name, params))}), SPLIT, folder)


def _raw(name: str, params: DatasetParams) -> Path:
    """Return where the images of a data set are."""
    if params.format == "digits":
        return Path(params.path)
    return (UNSEEN if name in zoo().unseen else data()) / params.path


@cache
def task(setting: str, name: str) -> Task:
    """Return a task at the probe's image size."""
    params, chosen = zoo().tasks[name], settings()[setting]
    return load_task(name, params, CACHE / "datasets" / params.dataset, chosen.sizes, chosen.probe.image_size, SEED)


@cache
def initial(setting: str) -> State:
    """Return the state from which all sources were trained."""
    return initial_state(settings()[setting].probe)


@cache
def print_of(setting: str) -> str:
    """Return the fingerprint of the probe: its own weights decide, not the path they came from."""
    return fingerprint(settings()[setting].probe, initial(setting))


def folder(setting: str, name: str) -> Path:
    """Return where the trainings of a source are."""
    return CACHE / "sources" / settings()[setting].name / name


def train_sources(setting: str) -> None:
    """Train the sources that are not there yet."""
    chosen = settings()[setting]
    tasks = {folder(setting, name): task(setting, name) for name in chosen.sources}
    train_probes(tasks, chosen.probe, chosen.training, initial(setting))


def state(setting: str, source: str, repeat: int) -> State:
    """Return the backbone of a training of a source, or the initial state."""
    if source == NO_TRANSFER:
        return initial(setting)
    return load_backbone(folder(setting, source) / f"{repeat}.safetensors")


def network(setting: str, classes: int, state: State) -> Probe:
    """Return a network of this state, its head zero, on the GPU where there is one."""
    return build_probe(settings()[setting].probe, classes, state).to(device())


def head(setting: str, source: str, repeat: int) -> tuple[Tensor, Tensor]:
    """Return weights [Z, D] and biases [Z] of the head that a source was trained with."""
    state = load_state(folder(setting, source) / f"{repeat}.safetensors")
    return state["head.weight"], state["head.bias"]
