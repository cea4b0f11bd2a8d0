"""FUSE among the cells of NAS-Bench-201, trained for real: ``TASKZOO_DATA=... python -m benchmarks.fuse``.

Searches see a thousand images of CIFAR-10 at half their size and train small networks of the cells (fewer channels, one
cell a stage) briefly; what they answer is judged by the table's test accuracy of the whole network after 200 epochs,
which no search sees. FUSE's answer is its last incumbent; beside it stand the best of its incumbents, each of which was
trained alone (what the product keeps), random search with as many candidate trainings, and the mean of all cells. It
runs what is missing in ``benchmarks/results/fuse`` and goes on where it was killed; ``--summary`` prints the headline,
its last line as JSON.
"""

import argparse
import json
import math
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks import rows
from benchmarks.environment import note_environment
from benchmarks.nasbench201 import known
from benchmarks.transfer.inputs import build_datasets
from benchmarks.transfer.inputs import task as transfer_task
from taskzoo.parallel import run_jobs
from taskzoo.params import ProbeParams, StrategyName
from taskzoo.probe.forms import ClassForm, tensors
from taskzoo.probe.training import Recipe
from taskzoo.search.nasbench201 import NASBench201Space, cell_string
from taskzoo.search.problem import Problem
from taskzoo.search.strategies import STRATEGIES

RESULTS = Path(__file__).parent / "results/fuse"
RUNS = RESULTS / "runs.csv"
SEARCHES: tuple[StrategyName, ...] = ("fuse", "random")
BEST = "fuse_best"
SPACE = NASBench201Space(width=8, cells=1)
TRAIN, VAL, SEEDS, TRIALS = 1000, 400, 12, 13  # Trainings: four rounds of three candidates, and a winner alone.
RECIPE = Recipe(steps=60, batch_size=64, learning_rate=1e-2)
COLUMNS = ("key", "strategy", "seed", "val", "test", "trials")


@cache
def problem() -> Problem:
    """Return what the searches see."""
    task, probe = transfer_task("small", "cifar-ten"), ProbeParams(image_size=16)
    (images, labels), (val_images, val_labels) = tensors(task.train, probe), tensors(task.val, probe)
    train, val = (images[:TRAIN], labels[:TRAIN]), (val_images[:VAL], val_labels[:VAL])
    return Problem(*train, *val, form=ClassForm(10), recipe=RECIPE)


def measure(strategy: StrategyName, seed: int) -> None:
    """Search once; the best is that on validation images."""
    trials = STRATEGIES[strategy](SPACE, problem(), TRIALS, seed)
    best = max(trials, key=lambda each: each.accuracy)
    answers = {"fuse": trials[-1], BEST: best} if strategy == "fuse" else {strategy: best}
    table = known("cifar10").test
    found = [
        (
            key(name, seed),
            name,
            seed,
            f"{each.accuracy:.4f}",
            f"{table[cell_string(each.architecture)]:.6f}",
            len(trials),
        )
        for name, each in answers.items()
    ]
    rows.append(RUNS, COLUMNS, found)


def key(strategy: str, seed: int) -> str:
    """Return a name of a row that changes with the settings."""
    return f"{strategy}-{seed}-{TRIALS}-{RECIPE.steps}-{SPACE.width}"


def missing() -> list[tuple[StrategyName, int]]:
    """Return what is not done; seeds change slowest."""
    done = set(rows.read(RUNS, COLUMNS)["key"])
    return [(each, seed) for seed, each in product(range(SEEDS), SEARCHES) if key(each, seed) not in done]


def headline(table: pd.DataFrame) -> dict[str, Any]:
    """Return the table's test accuracy of the answers, in percent: mean, standard error and number of searches."""
    found = {
        str(strategy): [
            round(100 * float(group["test"].mean()), 2),
            round(100 * float(group["test"].std()) / math.sqrt(len(group)), 2),
            len(group),
        ]
        for strategy, group in table.groupby("strategy")
    }
    whole = all(found.get(strategy, [0, 0, 0])[2] == SEEDS for strategy in SEARCHES)
    return {"test": found, "trainings": TRIALS, "met": whole and found["fuse"][0] >= found["random"][0]}


def summary() -> dict[str, Any]:
    """Return the headline of the results that are there, with the mean of all cells."""
    cells = RESULTS / "cells.json"
    return headline(rows.read(RUNS, COLUMNS)) | (json.loads(cells.read_text()) if cells.exists() else {})


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuse", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        build_datasets()
        tests = np.array(list(known("cifar10").test.values()))
        (RESULTS / "cells.json").write_text(json.dumps({"mean_test": round(100 * float(tests.mean()), 2)}) + "\n")
        run_jobs(measure, missing(), "searches")
    figures = summary()
    for name, (mean, error, searches) in figures["test"].items():
        Console().print(f"{name}: {mean:.2f} +- {error:.2f} % ({searches} searches of {TRIALS} trainings)")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
