"""Tasks, sources and initial states, made once and kept in a cache."""

from functools import cache
from pathlib import Path

from torch import Tensor

from benchmarks.transfer.settings import CACHE, SEED, SPLIT, data, settings, zoo
from taskzoo.data.store import build_dataset
from taskzoo.data.tasks import Task, load_task
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.probe.network import Probe, State, build_probe, device, fingerprint, initial_state
from taskzoo.probe.probes import train_probes
from taskzoo.probe.storage import load_backbone, load_state


def build_datasets() -> None:
    """Bring the data sets into the product's form."""
    for name, params in zoo().datasets.items():
        folder = CACHE / "datasets" / name
        if not folder.exists():
            path = params.path if params.format == "digits" else str(data() / params.path)
            build_dataset(name, params.model_copy(update={"path": path}), SPLIT, folder)


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
    return CACHE / "sources" / setting / name


def train_sources(setting: str) -> None:
    """Train the sources that are not there yet."""
    chosen = settings()[setting]
    tasks = {folder(setting, name): task(setting, name) for name in zoo().tasks}
    train_probes(tasks, chosen.probe, chosen.sources, initial(setting))


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
