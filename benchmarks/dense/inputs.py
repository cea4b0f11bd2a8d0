"""Rooms, sources and the initial state, made once and kept in a cache."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from benchmarks.dense.settings import CACHE, PROBE, ROOMS, SEED, SIZES, SPLIT, TASKS, TRAIN
from taskzoo.data.dense.tasks import DenseTask, load_dense_task
from taskzoo.data.store import build_dataset
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import TargetName, TaskParams
from taskzoo.probe.network import State, initial_state
from taskzoo.probe.probes import train_probes
from taskzoo.probe.storage import ProbeRecord, load_backbone

DATASET = CACHE / "datasets/rooms"


def build_rooms() -> None:
    """Make the rooms, unless they are there."""
    if not DATASET.exists():
        build_dataset("rooms", ROOMS, SPLIT, DATASET)


@cache
def task(name: TargetName) -> DenseTask:
    """Return a task; all have the same images."""
    params = TaskParams(dataset="rooms", target=name)
    return load_dense_task(name, params, DATASET, SIZES, PROBE.image_size, SEED)


@cache
def initial() -> State:
    """Return the state from which all sources are trained."""
    return initial_state(PROBE)


def train_sources(repeats: int) -> Mapping[str, Sequence[ProbeRecord]]:
    """Train the sources that are not there yet, and return all records by task."""
    how = TRAIN.model_copy(update={"repeats": repeats})
    records = train_probes({_folder(name): task(name) for name in TASKS}, PROBE, how, initial())
    return {folder.name: each for folder, each in records.items()}


def paths(repeats: int) -> dict[str, list[Path]]:
    """Return the files of the sources' trainings."""
    return {name: [_path(name, repeat) for repeat in range(repeats)] for name in TASKS}


def state(source: str, repeat: int) -> State:
    """Return the backbone of a training of a source, or the initial state."""
    return initial() if source == NO_TRANSFER else load_backbone(_path(source, repeat))


def _folder(name: str) -> Path:
    return CACHE / "sources" / name


def _path(name: str, repeat: int) -> Path:
    return _folder(name) / f"{repeat}.safetensors"
