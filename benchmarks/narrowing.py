"""What elites of another data set spare a search: ``python -m benchmarks.narrowing --table <nasbench201.csv.gz>``.

On all cells of NAS-Bench-201: a search of one data set leaves four elites, and a search of the other is narrowed to
what they use, by the product's own ``narrow`` and ``narrowed_search``. Searches see the validation accuracies after 12
epochs; the figures are regrets in test accuracy after 200. It measures what is missing in
``benchmarks/results/narrowing`` and goes on where it was killed; ``--summary`` prints the headline from what is there,
its last line as JSON.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks import naswot, rows
from benchmarks.environment import note_environment
from benchmarks.nasbench201 import SPACE, answers
from benchmarks.targets import measure as targets
from benchmarks.targets.report import headline as headline_of_targets
from taskzoo.parallel import run_jobs
from taskzoo.params import RecommendParams, SearchParams, StrategyName
from taskzoo.recommend.narrowing import narrow
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.results import Trial, elites
from taskzoo.search.run import narrowed_search
from taskzoo.search.space import decode, sample
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.table import Accuracies, TableProblem, read_accuracies
from taskzoo.search.tuning import options

RESULTS = Path(__file__).parent / "results/narrowing"
SOURCES = {"cifar10": "cifar100", "cifar100": "cifar10"}  # By target.
# Those that can read a table; naswot, area and fuse need images.
SEARCHES: tuple[StrategyName, ...] = ("random", "evolution", "tpe", "monas")
ARMS = {
    "full": "the whole space",
    "narrowed": "narrowed by the elites of a search of the other data set",
    "random": "narrowed by as many random architectures",
    "worst": "narrowed by the worst of that search",
}
TRIALS, SEEDS = 200, 500
CHUNKS: dict[StrategyName, int] = {"random": 50, "evolution": 50, "tpe": 10, "monas": 10}  # Seeds a row.
DEFAULTS = SearchParams()
ELITES, KEEP, EXPLORE = DEFAULTS.elites, RecommendParams().keep, DEFAULTS.explore
POINTS = (*range(1, 21), *range(25, TRIALS + 1, 5))  # Evaluations after which the regret is kept.
COLUMNS = ("key", "target", "strategy", "arm", "chunk", *(str(point) for point in POINTS))
BOUND, BOUND_COLUMNS = RESULTS / "bound.csv", ("key", "target", "seed", "cells", "regret")
Array = npt.NDArray[np.float64]


@cache
def accuracies(path: Path, dataset: str) -> Accuracies:
    """Return a data set's accuracies."""
    return read_accuracies(path, dataset)


def measure(path: Path, target: str, strategy: StrategyName, arm: str, chunk: int) -> None:
    """Search with some seeds and keep their mean regret, in points, by evaluations."""
    known = accuracies(path, target)
    best = max(known.test.values())
    seeds = range(chunk * CHUNKS[strategy], (chunk + 1) * CHUNKS[strategy])
    regrets = [100 * (best - reached(searched(path, target, strategy, arm, seed), known)) for seed in seeds]
    values = [f"{value:.4g}" for value in np.mean(regrets, axis=0)[[point - 1 for point in POINTS]]]
    row = (key(target, strategy, arm, chunk), target, strategy, arm, chunk, *values)
    rows.append(path_of(strategy), COLUMNS, [row])


def searched(path: Path, target: str, strategy: StrategyName, arm: str, seed: int) -> list[Trial]:
    """Return the trials of one search."""
    problem, search = TableProblem(accuracies(path, target)), STRATEGIES[strategy]
    if arm == "full":
        return list(search(SPACE, problem, TRIALS, seed))  # type: ignore[arg-type]
    keep = kept(path, target, arm, seed)
    return narrowed_search(search, SPACE.restrict(keep), SPACE, problem, TRIALS, math.ceil(EXPLORE * TRIALS), seed)


def kept(path: Path, target: str, arm: str, seed: int) -> dict[str, list[str]]:
    """Return the options, by decision, that an arm leaves of the space."""
    sources = {"source": chosen(path, SOURCES[target], arm, seed)}
    return narrow(sources, {"source": 1.0}, options(SPACE), KEEP, EXPLORE).keep


def measure_bound(path: Path, target: str) -> None:
    """Keep, by seed, how many cells narrowing leaves, and the regret of the one that validation prefers.

    No search that looks at validation accuracies does better in what is left, however long.
    """
    known = accuracies(path, target)
    lines = []
    for seed in range(SEEDS):
        left = kept(path, target, "narrowed", seed)
        names = [cell_string(dict(zip(left, each, strict=True))) for each in product(*left.values())]
        regret = 100 * (max(known.test.values()) - known.test[max(names, key=known.validation.__getitem__)])
        lines.append((bound_key(target, seed), target, seed, len(names), f"{regret:.4g}"))
    rows.append(BOUND, BOUND_COLUMNS, lines)


def bound_key(target: str, seed: int) -> str:
    """Return a name of a row of bounds that changes with the settings."""
    return f"{target}-{seed}-{TRIALS}-{ELITES}-{KEEP}"


def bounds() -> dict[str, dict[str, float]]:
    """Return by target the mean of today's such regrets with its standard error, and the mean number of cells left."""
    found = {}
    table = rows.read(BOUND, BOUND_COLUMNS)
    today = table[table["key"].isin([bound_key(*each) for each in product(SOURCES, range(SEEDS))])]
    for target, group in today.groupby("target", sort=False):
        regrets, cells = group["regret"].to_numpy(), group["cells"].to_numpy()
        error = regrets.std(ddof=1) / math.sqrt(len(regrets))
        means = {"regret": round(float(regrets.mean()), 3), "error": round(float(error), 3)}
        found[str(target)] = {**means, "cells": round(float(cells.mean()), 1)}
    return found


def chosen(path: Path, source: str, arm: str, seed: int) -> Sequence[Mapping[str, str]]:
    """Return the architectures that narrow a search."""
    if arm == "random":
        rng = np.random.default_rng([seed, 1])
        return [decode(SPACE, sample(SPACE, rng)) for _ in range(ELITES)]
    problem = TableProblem(accuracies(path, source))
    trials = STRATEGIES["evolution"](SPACE, problem, TRIALS, SEEDS + seed)  # type: ignore[arg-type]
    ordered = elites(trials, len(trials))
    return [each.architecture for each in (ordered[:ELITES] if arm == "narrowed" else ordered[-ELITES:])]


def reached(trials: Sequence[Trial], known: Accuracies) -> Array:
    """Return, by evaluations, the test accuracy of the architecture whose validation accuracy was best so far."""
    leaders = answers(trials, range(1, len(trials) + 1))
    curve = np.array([known.test[cell_string(trial.architecture)] for trial in leaders])
    return np.concatenate([curve, np.full(TRIALS - len(curve), curve[-1])])


def key(target: str, strategy: StrategyName, arm: str, chunk: int) -> str:
    """Return a name of a row that changes with the settings."""
    return f"{target}-{strategy}-{arm}-{chunk}-{TRIALS}-{CHUNKS[strategy]}-{ELITES}-{KEEP}-{EXPLORE}"


def path_of(strategy: str) -> Path:
    """Return the file of a strategy's results."""
    return RESULTS / f"{strategy}.csv"


def missing(strategy: StrategyName) -> list[tuple[str, StrategyName, str, int]]:
    """Return what is not done; chunks change slowest."""
    done = set(rows.read(path_of(strategy), COLUMNS)["key"])
    every = product(range(math.ceil(SEEDS / CHUNKS[strategy])), SOURCES, ARMS)
    return [
        (target, strategy, arm, chunk) for chunk, target, arm in every if key(target, strategy, arm, chunk) not in done
    ]


@dataclass(frozen=True)
class Curve:
    """Of one strategy, target and arm.

    Attributes:
        regret: Mean over seeds, at ``POINTS``.
        error: Its standard error, from the means of the rows; not a number where there is one row.
        seeds: Of the mean.
    """

    regret: Array
    error: Array
    seeds: int


def curves(strategy: StrategyName) -> dict[tuple[str, str], Curve]:
    """Return what was measured, by target and arm."""
    table = rows.read(path_of(strategy), COLUMNS)
    wanted = {key(target, strategy, arm, chunk) for target, arm, chunk in table[["target", "arm", "chunk"]].values}
    found = {}
    for (target, arm), group in table[table["key"].isin(wanted)].groupby(["target", "arm"]):
        means = group[[str(point) for point in POINTS]]
        mean, error = means.mean(), means.sem()
        found[str(target), str(arm)] = Curve(mean.to_numpy(), error.to_numpy(), CHUNKS[strategy] * len(group))
    return found


def headline() -> dict[str, Any]:
    """Return what narrowing spares on the table and on real targets, and what NASWOT's score is worth.

    Returns:
        By strategy and target: seeds, final regrets, and the evaluations that narrowing needs for the full search's;
        NASWOT's tau; real targets at equal time; and whether all goals are met.
    """
    found: dict[str, Any] = {}
    for strategy in SEARCHES:
        known = curves(strategy)
        for target in SOURCES:
            if all((target, arm) in known for arm in ARMS):
                found[f"{strategy} {target}"] = entry({arm: known[target, arm] for arm in ARMS})
    score = naswot.headline(rows.read(naswot.SCORES, naswot.COLUMNS))
    real = headline_of_targets(targets.read_runs())
    whole = len(found) == len(SEARCHES) * len(SOURCES)
    return {
        "cells": found,
        "best_of_narrowed": bounds(),
        "naswot_tau": score.get("tau"),
        "real_targets": real,
        "met": whole and score["met"] and real["met"] and all(each["met"] for each in found.values()),
    }


def entry(known: Mapping[str, Curve]) -> dict[str, Any]:
    """Return the figures of one strategy and target."""
    full, narrowed = known["full"].regret, known["narrowed"].regret
    soon, tenth = np.flatnonzero(narrowed <= full[-1]), POINTS.index(TRIALS // 10)
    needed = int(POINTS[soon[0]]) if len(soon) else None
    return {
        "seeds": min(curve.seeds for curve in known.values()),
        "regret": {arm: round(float(curve.regret[-1]), 3) for arm, curve in known.items()},
        "error": {arm: round(float(curve.error[-1]), 3) for arm, curve in known.items()},
        "regret_after_tenth": {arm: round(float(curve.regret[tenth]), 3) for arm, curve in known.items()},
        "evaluations_needed": needed,
        "of": TRIALS,
        "met": needed is not None and needed <= TRIALS // 10 and bool(narrowed[-1] <= full[-1]),
    }


def cells(each: Mapping[str, Any]) -> list[str]:
    """Return one strategy's figures as text: seeds, the arms' regrets, and the evaluations needed."""
    regrets = [
        f"{each['regret'][arm]:.2f} ± {each['error'][arm]:.2f} ({each['regret_after_tenth'][arm]:.2f})" for arm in ARMS
    ]
    return [str(each["seeds"]), *regrets, f"{each['evaluations_needed'] or 'never'} of {each['of']}"]


def show(found: Mapping[str, Any]) -> Table:
    """Return the headline as a table."""
    table = Table(title=f"Regret in test accuracy (points) after {TRIALS} evaluations, and after a tenth of them")
    for name in ("search", "seeds", *ARMS, "evaluations needed"):
        table.add_column(name)
    for name, each in found["cells"].items():
        table.add_row(name, *cells(each))
    return table


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.narrowing", description=__doc__)
    parser.add_argument("--table", type=Path, help="the accuracies, a CSV file")
    parser.add_argument("--strategies", nargs="*", choices=SEARCHES, default=SEARCHES)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.summary:
        if options.table is None:
            parser.error("--table is missing; expected the CSV file with the accuracies of all cells")
        note_environment(RESULTS / "environments.json")
        for strategy in options.strategies:
            jobs = [(options.table, *job) for job in missing(strategy)]
            run_jobs(measure, jobs, strategy)
        run_jobs(measure_bound, [(options.table, target) for target in SOURCES if target not in bounds()], "bound")
    found = headline()
    Console(width=160).print(show(found))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
