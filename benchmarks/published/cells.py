"""One run: a family's probes of one seed, every pair of tasks, one row a pair."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks import rows
from benchmarks.published.settings import (
    EPS,
    FISHER,
    RECIPES,
    REFERENCE_BATCH,
    RESULTS,
    SEEDS,
    load,
    pairs,
    probe_of,
    zoo,
)
from benchmarks.published.variants import VARIANTS, Views, look
from taskzoo.data.tasks import Task
from taskzoo.files import digest_json
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import Probe, fingerprint, initial_state
from taskzoo.probe.probes import train_from
from taskzoo.probe.training import accuracy

COLUMNS = ("key", "source", "target", "seed", *VARIANTS)
PROBES = ("key", "source", "seed", "accuracy")


def results(family: str) -> Path:
    """Return the file of a family's distances."""
    return RESULTS / f"{family}.csv"


def distances(family: str) -> pd.DataFrame:
    """Return a family's distances so far, one row a seed, source and target."""
    table = rows.read(results(family), COLUMNS)
    return table.drop_duplicates(["seed", "source", "target"], keep="last")


def accuracies(family: str) -> pd.DataFrame:
    """Return the validation accuracies of a family's probes so far, one row a seed and task."""
    table = rows.read(RESULTS / f"{family}-probes.csv", PROBES)
    return table.drop_duplicates(["seed", "source"], keep="last")


def measure(family: str, seed: int) -> None:
    """Train a run's probes and measure the pairs that are missing; all of it follows from the seed."""
    names = list(dict.fromkeys(target for _, target in pairs(family)))
    tasks = {name: load(name) for name in names}
    initial = initial_state(probe_of(family, seed))
    identity = fingerprint(probe_of(family, seed), initial)
    keys = {pair: _key([tasks[name] for name in pair], identity, seed) for pair in pairs(family)}
    done = set(distances(family)["key"])
    waiting = [pair for pair, key in keys.items() if key not in done]
    if not waiting:
        return
    trained = {}
    for name, task in tasks.items():
        network = train_from(task, probe_of(family, seed), RECIPES[_dataset(task)], initial, seed)
        assert isinstance(network, Probe)  # As the tasks are of classes.
        trained[name] = network
    _note_accuracies(family, seed, tasks, trained, identity)
    for target in dict.fromkeys(target for _, target in waiting):
        views = _column(family, seed, tasks[target], trained, identity)
        found = [
            (keys[source, target], source, target, seed, *_values(views[source], views[target]))
            for source, to in waiting
            if to == target
        ]
        rows.append(results(family), COLUMNS, found)


def _column(family: str, seed: int, target: Task, trained: dict[str, Probe], identity: str) -> dict[str, Views]:
    """Return the views of a target's own network and of its sources'."""
    sources = [source for source, to in pairs(family) if to == target.name]
    return {
        source: look(source, trained[source], target, seed, probe_of(family, seed), identity)
        for source in (target.name, *sources)
    }


def _values(ab: Views, bb: Views) -> list[str]:
    return [f"{variant(ab, bb):.6g}" for variant in VARIANTS.values()]


def _note_accuracies(family: str, seed: int, tasks: dict[str, Task], trained: dict[str, Probe], identity: str) -> None:
    probe = probe_of(family, seed)
    found = [
        (_key([task], identity, seed), name, seed, f"{accuracy(trained[name], *tensors(task.val, probe)):.4f}")
        for name, task in tasks.items()
    ]
    rows.append(RESULTS / f"{family}-probes.csv", PROBES, found)


def reached(family: str) -> pd.DataFrame:
    """Return, by task, the mean accuracy of a family's probes and the share that reaches 1 - eps."""
    table = accuracies(family)
    table = table[table["seed"] < SEEDS]
    needed = table["source"].map(lambda name: 1 - EPS[zoo().tasks[name].dataset])
    table = table.assign(reached=table["accuracy"] >= needed)
    return table.groupby("source")[["accuracy", "reached"]].mean()


def _dataset(task: Task) -> str:
    return zoo().tasks[task.name].dataset


def _key(tasks: Sequence[Task], identity: str, seed: int) -> str:
    """Return a hash of all that a result depends on."""
    parts = [[task.name, task.digest, vars(RECIPES[_dataset(task)]), REFERENCE_BATCH[_dataset(task)]] for task in tasks]
    return digest_json([parts, identity, seed, FISHER.model_dump(), list(VARIANTS)])[:12]
