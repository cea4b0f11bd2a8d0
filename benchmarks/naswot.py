"""What NASWOT's score says of trained accuracy: ``TASKZOO_DATA=... python -m benchmarks.naswot``.

A thousand random cells of NAS-Bench-201 are scored on one batch of CIFAR-10's training images and set beside their
accuracies in the table; the paper's search (draw N, keep the best score) is repeated 500 times among them. It scores
what is missing in ``benchmarks/results/naswot`` and goes on where it was killed; ``--summary`` prints the headline, its
last line as JSON. The table, ``nasbench201.csv.gz``, lies in the folder ``TASKZOO_DATA``.
"""

import argparse
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau
from torch import Tensor

from benchmarks import rows
from benchmarks.environment import note_environment
from benchmarks.nasbench201 import SPACE, known
from benchmarks.transfer.inputs import build_datasets
from benchmarks.transfer.inputs import task as transfer_task
from taskzoo.parallel import run_jobs
from taskzoo.params import ProbeParams
from taskzoo.probe.network import normalise
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.naswot import naswot
from taskzoo.search.problem import seeded
from taskzoo.search.space import decode, sample
from taskzoo.search.table import TEST, VALIDATION

RESULTS = Path(__file__).parent / "results/naswot"
SCORES = RESULTS / "scores.csv"
SETS = ("cifar10", "cifar100")
NETWORKS, BATCH, CLASSES = 1000, 128, 10
DRAWN, DRAWS = (10, 100, 1000), 500
COLUMNS = ("key", "score", "seconds", "forward", *(f"{name}{kind}" for name in SETS for kind in (VALIDATION, TEST)))
# Kendall's tau to the validation accuracies after 200 epochs, and test accuracies of CIFAR-10 by the number drawn.
PUBLISHED_TAU = {"cifar10": 0.574, "cifar100": 0.611}
PUBLISHED_TEST = {10: 92.44, 100: 92.81, 1000: 92.96}
WITHIN = 0.05
Array = npt.NDArray[np.float64]


@cache
def images() -> Tensor:
    """Return the batch, [128, 3, 32, 32]."""
    split = transfer_task("small", "cifar-ten").train
    return normalise(split.images[:BATCH], ProbeParams(image_size=32))


def cells() -> list[tuple[int, ...]]:
    """Return the networks, distinct, the same in every run."""
    rng, found = np.random.default_rng(0), dict[tuple[int, ...], None]()
    while len(found) < NETWORKS:
        found[sample(SPACE, rng)] = None
    return list(found)


def score(architecture: tuple[int, ...]) -> None:
    """Score one network, time that beside one forward pass, and keep both with its accuracies in the table."""
    network, name = seeded(SPACE, architecture, CLASSES, 0), cell_string(decode(SPACE, architecture))
    start = time.process_time()
    value = naswot(network, [images()])
    middle = time.process_time()
    with torch.no_grad():
        network.train()([images()])
    seconds, forward = middle - start, time.process_time() - middle
    accuracies = [f"{values[name]:.6f}" for each in SETS for values in (known(each).validation, known(each).test)]
    rows.append(SCORES, COLUMNS, [(name, f"{value:.4f}", f"{seconds:.3f}", f"{forward:.3f}", *accuracies)])


def missing() -> list[tuple[tuple[int, ...]]]:
    """Return what is not scored."""
    done = set(rows.read(SCORES, COLUMNS)["key"])
    return [(each,) for each in cells() if cell_string(decode(SPACE, each)) not in done]


def headline(table: pd.DataFrame) -> dict[str, Any]:
    """Return the taus, the search table, and how long a score takes beside a forward pass."""
    if len(table) < 2:
        return {"networks": len(table), "met": False}
    finite = table[np.isfinite(table["score"])]
    tau = {
        name: {
            "test": round(float(kendalltau(finite["score"], finite[name + TEST]).statistic), 3),
            "validation_12_epochs": round(float(kendalltau(finite["score"], finite[name + VALIDATION]).statistic), 3),
            "published": PUBLISHED_TAU[name],
        }
        for name in SETS
    }
    return {
        "networks": len(table),
        "without_score": len(table) - len(finite),
        "tau": tau,
        "search": {str(count): found(table, count) for count in DRAWN if count <= len(table)},
        "passes": round(float((table["seconds"] / table["forward"]).median()), 2),
        "met": len(table) == NETWORKS and abs(tau["cifar10"]["test"] - PUBLISHED_TAU["cifar10"]) <= WITHIN,
    }


def found(table: pd.DataFrame, count: int) -> dict[str, float]:
    """Return mean and spread of the test accuracy, in percent, of the best score among some that are drawn."""
    rng, scores = np.random.default_rng(count), table["score"].to_numpy()
    tests = 100 * table["cifar10" + TEST].to_numpy()
    drawn = [rng.choice(len(scores), size=count) for _ in range(DRAWS)]
    best = [float(tests[each[np.argmax(scores[each])]]) for each in drawn]
    return {
        "mean": round(float(np.mean(best)), 2),
        "std": round(float(np.std(best)), 2),
        "paper": PUBLISHED_TEST[count],
    }


def show(figures: dict[str, Any]) -> Table:
    """Return the search table."""
    table = Table(title="Test accuracy on CIFAR-10 of the best score among N, 500 draws")
    for name in ("N", "mean", "std", "paper"):
        table.add_column(name)
    for count, each in figures.get("search", {}).items():
        table.add_row(count, f"{each['mean']:.2f}", f"{each['std']:.2f}", f"{each['paper']:.2f}")
    return table


def main() -> None:
    """Score, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.naswot", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="score nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        build_datasets()
        run_jobs(score, missing(), "scores")
    figures = headline(rows.read(SCORES, COLUMNS))
    Console(width=120).print(show(figures))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
