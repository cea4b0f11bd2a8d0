"""EN2AS beside uniform paths: how a supernet ranks cells, and how varied what it was trained on is."""

import time
from dataclasses import replace

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau

from benchmarks import rows
from benchmarks.nasbench201 import known
from benchmarks.naswot import COLUMNS as SCORES_COLUMNS
from benchmarks.naswot import SCORES, cells
from benchmarks.supernets.settings import CLASSES, PATH_STEPS, RESULTS, SEEDS, problem, space
from taskzoo.search.nasbench201 import NASBench201Space, cell_string
from taskzoo.search.space import decode
from taskzoo.search.strategies.en2as import ARCHIVE, novel_paths
from taskzoo.search.strategies.one_shot import OneShot, judge, uniform_paths
from taskzoo.search.table import TEST

TABLE, ALONE = RESULTS / "paths.csv", RESULTS / "alone.csv"
RANKED, IMAGES = 200, 500  # Random cells, and the validation images on which they are ranked.
BEST = 10
CONTROLS, CONTROL_STEPS = 50, 250  # Of the cells, trained alone: what does their order owe to so short a training?
WINDOWS = PATH_STEPS // ARCHIVE
STRATEGIES = {"one_shot": OneShot("one_shot", uniform_paths), "en2as": OneShot("en2as", novel_paths)}
VARIETY = tuple(f"variety_{number}" for number in range(WINDOWS))
COLUMNS = ("key", "strategy", "seed", "tau", "best_true", "mean_true", "seconds", *VARIETY)
ALONE_COLUMNS = ("key", "alone", "true")


def measure(strategy: str, seed: int) -> None:
    """Train a supernet, rank random cells by it, and keep how that agrees with their true accuracies on CIFAR-10."""
    where, whole = space("nasbench201"), problem("nasbench201")
    task = replace(whole, val_images=whole.val_images[:IMAGES], val_labels=whole.val_labels[:IMAGES])
    start = time.process_time()
    supernet = STRATEGIES[strategy].train(where, task, PATH_STEPS, seed)
    seconds = time.process_time() - start
    chosen = cells()[:RANKED]
    true = np.array([known("cifar10").test[cell_string(decode(where, each))] for each in chosen])
    found = np.array([judge(supernet, where, task, each, seed).accuracy for each in chosen])
    tau = kendalltau(found, true).statistic
    best = true[np.argsort(-found, kind="stable")[:BEST]].mean()
    varied = [f"{value:.4f}" for value in variety(strategy, seed)]
    row = (key(strategy, seed), strategy, seed, f"{tau:.4f}", f"{best:.4f}", f"{true.mean():.4f}")
    rows.append(TABLE, COLUMNS, [(*row, f"{seconds:.1f}", *varied)])


def variety(strategy: str, seed: int) -> list[float]:
    """Return the mean share of decisions in which two paths differ, within each window of as many as an archive has."""
    paths = STRATEGIES[strategy].paths(space("nasbench201"), PATH_STEPS, np.random.default_rng(seed))
    windows = [paths[start : start + ARCHIVE] for start in range(0, PATH_STEPS, ARCHIVE)]
    return [float(pdist(np.array(window), "hamming").mean()) for window in windows]


def key(strategy: str, seed: int) -> str:
    """Return a name of a row that changes with the settings."""
    return f"{strategy}-{seed}-{PATH_STEPS}-{RANKED}-{IMAGES}"


def measure_alone(cell: str) -> None:
    """Train a cell alone, shortly, and keep what it reaches beside its true accuracy."""
    where, whole = space("nasbench201"), problem("nasbench201")
    architecture = next(each for each in cells() if cell_string(decode(where, each)) == cell)
    task = replace(whole, recipe=replace(whole.recipe, steps=CONTROL_STEPS))
    reached = task.evaluate(where, architecture, 0).accuracy
    rows.append(ALONE, ALONE_COLUMNS, [(f"{cell}-{CONTROL_STEPS}", reached, known("cifar10").test[cell])])


def missing_alone() -> list[tuple[str]]:
    """Return the controls that are not done."""
    done = set(rows.read(ALONE, ALONE_COLUMNS)["key"])
    chosen = [cell_string(decode(space("nasbench201"), each)) for each in cells()[:CONTROLS]]
    return [(cell,) for cell in chosen if f"{cell}-{CONTROL_STEPS}" not in done]


def missing() -> list[tuple[str, int]]:
    """Return what is not done."""
    done = set(rows.read(TABLE, COLUMNS)["key"])
    return [(name, seed) for seed in range(SEEDS) for name in STRATEGIES if key(name, seed) not in done]


def controls() -> dict[str, float | None]:
    """Return the ranked cells' mean true accuracy, and Kendall's tau to it of weights, and of short trainings alone."""
    where = space("nasbench201")
    assert isinstance(where, NASBench201Space)
    sizes = {cell_string(decode(where, each)): where.costs(each, CLASSES, 16)[0] for each in cells()[:RANKED]}
    true = rows.read(SCORES, SCORES_COLUMNS).set_index("key").loc[list(sizes), f"cifar10{TEST}"]
    alone = rows.read(ALONE, ALONE_COLUMNS)
    return {
        "mean_true": 100 * float(true.mean()),
        "weights": float(kendalltau(list(sizes.values()), true).statistic),
        "cells": len(alone),
        "alone": float(kendalltau(alone["alone"], alone["true"]).statistic) if len(alone) > 9 else None,
    }
