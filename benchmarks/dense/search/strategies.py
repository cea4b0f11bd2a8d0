"""What each strategy finds in the whole space of decoders, with as many candidate trainings."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from benchmarks import rows
from benchmarks.dense import inputs
from benchmarks.dense.search.measure import SEARCH, TRIALS, settings, space, trained
from benchmarks.dense.search.sources import SEEDS, TARGETS
from benchmarks.dense.settings import PROBE, RESULTS
from benchmarks.markdown import table
from taskzoo.params import StrategyName, TargetName
from taskzoo.search.costs.counting import count_parameters
from taskzoo.search.results import elites
from taskzoo.search.run import search_once
from taskzoo.search.space import encode
from taskzoo.search.tuning import make_problem

RUNS = RESULTS / "strategies.csv"
STRATEGIES: tuple[StrategyName, ...] = ("random", "tpe", "naswot", "fuse", "snas", "one_shot", "en2as")
COLUMNS = ("key", "target", "strategy", "seed", "val", "test", "parameters")
HEAD = ("strategy", "seeds", "best on validation views", "test", "test, ahead of random", "parameters")
Run = tuple[TargetName, StrategyName, int]
EVERY: list[Run] = [(target, name, seed) for seed, target, name in product(range(SEEDS), TARGETS, STRATEGIES)]


def measure(target: TargetName, name: StrategyName, seed: int) -> None:
    """Do one run and keep what came of it."""
    whole, problem = space(target), make_problem(inputs.task(target), SEARCH, PROBE)
    best = elites(search_once(whole, whole, problem, SEARCH, "", name, seed), 1)[0]
    network = trained(problem, whole, encode(whole, best.architecture), seed)
    test = problem.form.score(network, *problem.form.tensors(inputs.task(target).test, PROBE))
    figures = (f"{best.accuracy:.5f}", f"{test:.5f}", count_parameters(network))
    rows.append(RUNS, COLUMNS, [(key(target, name, seed), target, name, seed, *figures)])


def key(target: TargetName, name: StrategyName, seed: int) -> str:
    """Return a name of a row that changes with the settings."""
    return f"{target}-{name}-{seed}-{settings()}"


def read_runs() -> pd.DataFrame:
    """Return what was measured with today's settings, a row a run."""
    found = rows.read(RUNS, COLUMNS)
    return found[found["key"].isin([key(*run) for run in EVERY])]


def missing() -> list[Run]:
    """Return what is not done; seeds change slowest."""
    done = set(read_runs()["key"])
    return [run for run in EVERY if key(*run) not in done]


def lines(runs: pd.DataFrame) -> list[list[str]]:
    """Return a line a strategy, under ``HEAD``: means over targets, and their spread over the seeds all have done."""
    shared = runs.groupby("seed")["key"].transform("size") == len(TARGETS) * len(STRATEGIES)
    means = runs[shared].groupby(["strategy", "seed"], as_index=False)[["val", "test", "parameters"]].mean()
    if means.empty:
        return []
    of = {name: means[means["strategy"] == name].set_index("seed") for name in STRATEGIES}
    return [_line(name, each, of["random"]["test"]) for name, each in of.items()]


def _line(name: str, means: pd.DataFrame, blind: pd.Series) -> list[str]:
    ahead = means["test"] - blind
    error = ahead.std() / len(ahead) ** 0.5
    return [
        name,
        str(len(means)),
        *(f"{means[column].mean():.3f} ± {means[column].std():.3f}" for column in ("val", "test")),
        "" if name == "random" else f"{ahead.mean():+.3f} ± {error:.3f}",
        f"{means['parameters'].mean():,.0f}",
    ]


def section(runs: pd.DataFrame) -> Iterator[str]:
    """Yield the section of the page."""
    yield "### By strategy"
    found = lines(runs)
    if not found:
        yield "`python -m benchmarks.dense.search` has not been run."
        return
    yield (
        f"The whole space of decoders for the same {len(TARGETS)} targets, {TRIALS} candidate trainings for each "
        "strategy; those of `snas`, `one_shot` and `en2as` pay for a network of all options first (so little is left "
        "to judge its paths that the last two judge the same few random ones). Skills, means over "
        "the targets ± spread over seeds: of what a strategy judged best, and of the same trained with care, in the "
        "test; and how far that is ahead of random search of the same seeds (standard error)."
    )
    yield table(HEAD, found)
