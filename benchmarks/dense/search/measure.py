"""Runs: one target, one arm, one seed, so many candidate trainings."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from benchmarks import rows
from benchmarks.dense import inputs
from benchmarks.dense.search.sources import ARMS, RECOMMEND, SEEDS, TARGETS, sources
from benchmarks.dense.settings import CACHE, PROBE, RESULTS, TASKS, TRAIN
from taskzoo.files import write_json
from taskzoo.params import FinalParams, SearchParams, TargetName
from taskzoo.probe.forms import form_of
from taskzoo.probe.probes import train_probes
from taskzoo.probe.storage import load_backbone
from taskzoo.recommend.inheritance import inherit
from taskzoo.recommend.narrowing import narrow
from taskzoo.search.costs.counting import count_parameters
from taskzoo.search.final import train_with_care
from taskzoo.search.finalists import start
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial, elites
from taskzoo.search.run import search_once
from taskzoo.search.space import Architecture, SearchSpace, encode
from taskzoo.search.spaces import make_space_for
from taskzoo.search.tuning import make_problem, options

RUNS = RESULTS / "search.csv"
TRIALS = 20
SEARCH = SearchParams(trials=TRIALS, batch_size=32, final=FinalParams(steps=100, batch_size=32))
POINTS = tuple(str(point) for point in range(1, TRIALS + 1))
COLUMNS = ("key", "target", "arm", "seed", "test", "val", "parameters", "architectures", *POINTS)
TRUNKS, ELITES = CACHE / "search/trunks", CACHE / "search/elites"
EVERY = [(target, arm, seed) for seed, target, arm in product(range(SEEDS), TARGETS, ARMS)]
OWN = 100  # Seed of the search that a source has had.


def train_trunks() -> None:
    """Train the tasks' own probes, whose backbones are the trunks of their decoders, unless they are there."""
    once = TRAIN.model_copy(update={"repeats": 1})
    train_probes({TRUNKS / name: inputs.task(name) for name in TASKS}, PROBE, once, inputs.initial())


@cache
def space(name: TargetName) -> SearchSpace:
    """Return the whole space of a task."""
    state = load_backbone(TRUNKS / name / "0.safetensors")
    return make_space_for(form_of(inputs.task(name)), SEARCH, PROBE, state)


def search(problem: Problem, whole: SearchSpace, keep: Mapping[str, Sequence[str]], seed: int) -> list[Trial]:
    """Search a part of the space and then the whole, or the whole alone where nothing is kept, as the product does."""
    part = whole.restrict(keep) if keep else whole
    return search_once(part, whole, problem, SEARCH, "", "tpe", seed)


def keep_elites(source: TargetName) -> None:
    """Let a source have a search of its own, unless it had, and keep its best architectures."""
    path = _elites(source)
    if not path.exists():
        trials = search(make_problem(inputs.task(source), SEARCH, PROBE), space(source), {}, OWN)
        write_json(path, [each.architecture for each in elites(trials, SEARCH.elites)])


def _elites(source: str) -> Path:
    return ELITES / f"{source}-{settings()}.json"


def measure(target: TargetName, arm: str, seed: int) -> None:
    """Do one run and keep what came of it."""
    weights = sources(target, arm, seed)
    found = {source: json.loads(_elites(source).read_text()) for source in weights}
    whole, problem = space(target), make_problem(inputs.task(target), SEARCH, PROBE)
    narrowing = narrow(found, weights, options(whole), RECOMMEND.keep, SEARCH.explore)
    trials = [] if arm == "source" else search(problem, whole, narrowing.keep, seed)
    best = inherit(found, weights, options(whole)) if arm == "source" else elites(trials, 1)[0]
    assert best is not None
    network = trained(problem, whole, encode(whole, best.architecture), seed)
    test = problem.form.score(network, *problem.form.tensors(inputs.task(target).test, PROBE))
    curve = np.maximum.accumulate([trial.reward for trial in trials])
    row = (
        *(key(target, arm, seed), target, arm, seed),
        *(f"{test:.5f}", f"{problem.score(network, problem.val_images):.5f}"),
        *(count_parameters(network), 1 if arm == "source" else narrowing.after),
        *(f"{reached:.5f}" for reached in curve),
        *([""] * (TRIALS - len(trials))),
    )
    rows.append(RUNS, COLUMNS, [row])


def trained(problem: Problem, whole: SearchSpace, architecture: Architecture, seed: int) -> nn.Module:
    """Train a decoder on the trunk as it is, then all of it; return whichever is better on validation images."""
    top, images, labels = (
        start(whole, architecture, problem, SEARCH.final, seed),
        problem.train_images,
        problem.train_labels,
    )
    tuned = train_with_care(deepcopy(top), images, labels, problem.form, SEARCH.final, seed)
    return max((top, tuned), key=lambda each: problem.score(each, problem.val_images))


def key(target: TargetName, arm: str, seed: int) -> str:
    """Return a name of a row that changes with the settings and with the sources used."""
    return "-".join([target, arm, str(seed), settings(), *sorted(sources(target, arm, seed))])


def settings() -> str:
    """Return what of the settings a row's name holds."""
    return f"{TRIALS}-{SEARCH.steps}-{SEARCH.batch_size}-{SEARCH.final.steps}"


def read_runs() -> pd.DataFrame:
    """Return what was measured with today's settings, a row a run."""
    table = rows.read(RUNS, COLUMNS)
    return table[table["key"].isin([key(*job) for job in EVERY])]


def missing() -> list[tuple[TargetName, str, int]]:
    """Return what is not done; seeds change slowest."""
    done = set(read_runs()["key"])
    return [job for job in EVERY if key(*job) not in done]
