"""Runs: one target, one arm, one seed, so many processor seconds."""

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.evaluate import known_scores
from benchmarks.transfer.recommender import DEFAULT, recommenders
from benchmarks.transfer.settings import CACHE, settings, zoo
from taskzoo.files import write_json
from taskzoo.params import FinalParams, RecommendParams, SearchParams
from taskzoo.probe.forms import ClassForm, tensors
from taskzoo.probe.training import Recipe, accuracy
from taskzoo.recommend.belief import usual
from taskzoo.recommend.inheritance import inherit
from taskzoo.recommend.narrowing import narrow
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.final import train_with_care
from taskzoo.search.finalists import start
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Problem
from taskzoo.search.space import Architecture, decode, encode
from taskzoo.search.strategies.asking import Told, explore
from taskzoo.search.strategies.tpe import ParzenEstimator
from taskzoo.search.tuning import options

RESULTS = Path(__file__).parents[1] / "results/targets"
RUNS = RESULTS / "runs.csv"
SETTING, REGIME = "pretrained", "few10"
TARGETS = ("houses-rooms", "blood-cells", "cifar-animals")
TRAIN, VAL = 500, 300  # Images; all of the test split is read once a run.
SEEDS, SECONDS = 5, 30.0
WHOLE = 0.5  # Share of the time that a search of the whole space takes.
TENTH = 0.1  # Of that, for a narrowed one, which is to need no more (the goal on the table); training has the rest.
OWN = 20.0  # Processor seconds of the search that a source has had.
TOP_STEPS = 100  # Of what stands on the frozen backbone, before all of it is trained.
WARM = 3  # Steps that tell how long a step takes.
ARMS = {
    "narrowed": "TPE, narrowed by the elites of the recommended sources",
    "full": "optuna's TPE in the whole space",
    "random": "TPE, narrowed by the elites of a random source",
    "worst": "TPE, narrowed by the elites of the source that is ranked last",
    "source": "the best architecture of the recommended source, unchanged",
    "backbone": "the pretrained backbone as it is",
}
COLUMNS = (
    *("key", "target", "arm", "seed", "test", "val", "parameters", "macs", "trials", "searched"),
    *("steps", "seconds"),
)
DEFAULTS = SearchParams()
RATE = settings()[SETTING].learning_rate


@cache
def space() -> CellSpace:
    """Return the whole space, on the pretrained trunk."""
    probe = settings()[SETTING].probe
    return CellSpace(
        probe.backbone, inputs.initial(SETTING), probe.image_size, DEFAULTS.cells.nodes, DEFAULTS.cells.width
    )


@cache
def problem(name: str) -> Problem:
    """Return a task to search for."""
    task, probe = inputs.task(SETTING, name), settings()[SETTING].probe
    (images, labels), (val_images, val_labels) = tensors(task.train, probe), tensors(task.val, probe)
    recipe = Recipe(DEFAULTS.steps, DEFAULTS.batch_size, DEFAULTS.learning_rate)
    train, val = (images[:TRAIN], labels[:TRAIN]), (val_images[:VAL], val_labels[:VAL])
    return Problem(*train, *val, form=ClassForm(len(task.classes)), recipe=recipe)


def timed(part: CellSpace, name: str, seconds: float, seed: int, known: list[Told]) -> list[Told]:
    """Return what TPE finds in some processor seconds, what is known included."""
    found, begun, asked = list(known), time.process_time(), problem(name)
    asked.inputs(part)
    rng = np.random.default_rng([seed, len(known)])
    for told in explore(
        part, ParzenEstimator(), lambda each: asked.evaluate(part, each, seed).accuracy, 10**6, rng, known
    ):
        found.append(told)
        if time.process_time() - begun > seconds:
            break
    return found


def search(keep: Mapping[str, list[str]], name: str, seconds: float, seed: int) -> list[Told]:
    """Search a part of the space, then the whole of it, as the product does."""
    whole, explored = space(), DEFAULTS.explore * seconds
    if not keep:
        return timed(whole, name, seconds, seed, [])
    part = whole.restrict(keep)
    first = timed(part, name, seconds - explored, seed, [])
    known = [(encode(whole, decode(part, architecture)), reward) for architecture, reward in first]
    return timed(whole, name, explored, seed, known)


def elites(source: str) -> list[dict[str, str]]:
    """Return the best architectures of a source, from a search of its own, kept."""
    path = CACHE.parent / "targets" / f"{source}-{OWN}.json"
    if not path.exists():
        told = search({}, source, OWN, seed=100)
        best = dict(sorted(told, key=lambda each: -each[1]))
        write_json(path, [decode(space(), each) for each in list(best)[: DEFAULTS.elites]])
    found: list[dict[str, str]] = json.loads(path.read_text())
    return found


@cache
def ranking(target: str) -> list[tuple[str, float]]:
    """Return the sources of other data sets, best first, with their scores."""
    truth, known = known_scores(SETTING, REGIME)
    found = recommenders(truth, known, usual(settings()[SETTING].probe))
    scores, tasks = found[DEFAULT].scores[truth.targets.index(target)], zoo().tasks
    others = [
        (source, float(scores[place].mean()))
        for place, source in enumerate(truth.sources[:-1])
        if tasks[source].dataset != tasks[target].dataset
    ]
    return sorted(others, key=lambda each: -each[1])


def chosen(target: str, arm: str, seed: int) -> dict[str, float]:
    """Return the sources that an arm uses, best first, with their weights."""
    if arm in {"full", "backbone"}:
        return {}
    ranked = ranking(target)
    if arm == "random":
        return {ranked[int(np.random.default_rng([seed, 2]).integers(len(ranked)))][0]: 1.0}
    if arm == "worst":
        return {ranked[-1][0]: 1.0}
    best = ranked[: RecommendParams().sources]
    shares = np.exp(np.array([score for _, score in best]) - best[0][1])
    return {source: float(share) for (source, _), share in zip(best, shares / shares.sum(), strict=True)}


def measure(target: str, arm: str, seed: int) -> None:
    """Do one run and keep what came of it."""
    own, task, probe = problem(target), inputs.task(SETTING, target), settings()[SETTING].probe
    own.inputs(space())  # Paid by no arm: a trunk's maps are computed once a target.
    weights = chosen(target, arm, seed)
    found = {source: elites(source) for source in weights}
    begun = time.process_time()
    used: CellSpace | ModelSpace = space()
    told: list[Told] = []
    architecture: Architecture = (0,)
    if arm == "backbone":
        used = ModelSpace([probe.backbone], probe.image_size, {probe.backbone: inputs.initial(SETTING)})
    elif arm == "source":
        inherited = inherit(found, weights, options(used))
        assert inherited is not None
        architecture = encode(used, inherited.architecture)
    else:
        keep = narrow(found, weights, options(used), RecommendParams().keep, DEFAULTS.explore).keep
        told = search(keep, target, share(arm) * SECONDS, seed)
        architecture = max(told, key=lambda each: each[1])[0]
    network, steps = trained(used, architecture, target, begun + SECONDS, seed)
    seconds = time.process_time() - begun
    row = (
        *(key(target, arm, seed), target, arm, seed),
        f"{accuracy(network, *tensors(task.test, probe)):.4f}",
        f"{accuracy(network, own.val_images, own.val_labels):.4f}",
        *(count_parameters(network), count_macs(network, own.val_images[:1]), len(told)),
        f"{max(reward for _, reward in told):.4f}" if told else "",
        *(steps, f"{seconds:.1f}"),
    )
    rows.append(RUNS, COLUMNS, [row])


def trained(
    used: CellSpace | ModelSpace, architecture: Architecture, name: str, until: float, seed: int
) -> tuple[nn.Module, int]:
    """Train a network, first its top and then all of it, for the processor seconds that are left.

    Returns:
        Whichever of the two is better on validation images, and the number of steps of the whole.
    """
    own = problem(name)
    top = start(used, architecture, own, FinalParams(steps=TOP_STEPS, batch_size=DEFAULTS.batch_size), seed)

    def train(network: nn.Module, steps: int) -> nn.Module:
        params = FinalParams(steps=steps, batch_size=32, learning_rate=RATE, batch_norm="frozen", mirror=True)
        return train_with_care(network, own.train_images, own.train_labels, own.form, params, seed)

    one = min(_timed(lambda: train(deepcopy(top), WARM)) for _ in range(2)) / WARM
    steps = max(WARM, int((until - time.process_time()) / one))
    networks = [top, train(deepcopy(top), steps)]
    return max(networks, key=lambda each: accuracy(each, own.val_images, own.val_labels)), steps


def _timed(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun


def key(target: str, arm: str, seed: int) -> str:
    """Return a name of a row that changes with the settings and with the sources used."""
    return "-".join([target, arm, str(seed), f"{SECONDS}-{share(arm):g}-{TRAIN}", *sorted(chosen(target, arm, seed))])


def share(arm: str) -> float:
    """Return what share of its time an arm searches."""
    if arm in {"source", "backbone"}:
        return 0.0
    return WHOLE if arm == "full" else WHOLE * TENTH


def read_runs() -> pd.DataFrame:
    """Return what was measured with today's settings and sources, a row a run."""
    table = rows.read(RUNS, COLUMNS)
    return table[table["key"].isin([key(*each) for each in planned()])]


def missing() -> list[tuple[str, str, int]]:
    """Return what is not done; seeds change slowest."""
    done = set(read_runs()["key"])
    return [each for each in planned() if key(*each) not in done]


def planned() -> list[tuple[str, str, int]]:
    """Return target, arm and seed of every run."""
    return [(target, arm, seed) for seed, target, arm in product(range(SEEDS), TARGETS, ARMS)]
