"""What NASWOT's score is worth to evolution: ``TASKZOO_DATA=... python -m benchmarks.area``.

AREA beside regularised evolution and random search on all cells of NAS-Bench-201, at equal trainings. Searches see the
validation accuracies after 12 epochs; the figures are test accuracies after 200. AREA draws among the cells that
``benchmarks.naswot`` has scored. It measures what is missing in ``benchmarks/results/area`` and goes on where it was
killed; ``--summary`` prints the headline from what is there, its last line as JSON.
"""

import argparse
import json
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks import rows
from benchmarks.environment import note_environment
from benchmarks.nasbench201 import SPACE, answers, known
from benchmarks.naswot import COLUMNS as SCORE_COLUMNS
from benchmarks.naswot import SCORES, SETS, cells
from taskzoo.parallel import run_jobs
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.space import Architecture, decode
from taskzoo.search.strategies.asking import AskTell
from taskzoo.search.strategies.by_score import POPULATION
from taskzoo.search.strategies.evolution import AgingEvolution
from taskzoo.search.strategies.random_search import Uniform
from taskzoo.search.table import TableProblem

RESULTS = Path(__file__).parent / "results/area"
SEEDS, CHUNK = 500, 50
BUDGETS = (10, 20, 50, 100, 200)
STRATEGIES = {"random": "random search", "evolution": "regularised evolution", "area": "AREA"}
COLUMNS = ("key", "target", "strategy", "seed", *(str(budget) for budget in BUDGETS))
# After 12,000 seconds of trainings of 200 epochs. Test accuracies on CIFAR-10; of AREA, validation alone is printed.
PUBLISHED = {
    "random": "93.70 ± 0.36 (validation 90.93 ± 0.36)",
    "evolution": "93.92 ± 0.30 (validation 91.19 ± 0.31)",
    "area": "not printed (validation 91.20 ± 0.27)",
}


@cache
def scored() -> list[tuple[Architecture, float]]:
    """Return the cells that were scored."""
    table = rows.read(SCORES, SCORE_COLUMNS)
    score = dict(zip(table["key"], table["score"], strict=True))
    return [(cell, score[name]) for cell in cells() if (name := cell_string(decode(SPACE, cell))) in score]


def first_population(seed: int) -> list[Architecture]:
    """Return the better half, by score, of twice as many cells, the best first."""
    rng = np.random.default_rng([seed, 2])
    drawn = [scored()[index] for index in rng.choice(len(scored()), 2 * POPULATION, replace=False)]
    return [cell for cell, _ in sorted(drawn, key=lambda each: -each[1])][:POPULATION]


def search(strategy: str, seed: int) -> AskTell:
    """Return a strategy."""
    make: dict[str, Callable[[], Any]] = {
        "random": Uniform,
        "evolution": lambda: AgingEvolution(POPULATION),
        "area": lambda: AgingEvolution(POPULATION, first=first_population(seed)),
    }
    return AskTell("area", make[strategy])


def measure(target: str, strategy: str, chunk: int) -> None:
    """Search with some seeds and keep the test accuracies, in percent, of what each answers."""
    accuracies, found = known(target), []
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        trials = search(strategy, seed)(SPACE, TableProblem(accuracies), BUDGETS[-1], seed)
        tests = [100 * accuracies.test[cell_string(each.architecture)] for each in answers(trials, BUDGETS)]
        found.append((key(target, strategy, seed), target, strategy, seed, *(f"{test:.2f}" for test in tests)))
    rows.append(path_of(target), COLUMNS, found)


def key(target: str, strategy: str, seed: int) -> str:
    """Return a name of a row."""
    return f"{target}-{strategy}-{seed}"


def path_of(target: str) -> Path:
    """Return the file of a data set's results."""
    return RESULTS / f"{target}.csv"


def missing() -> list[tuple[str, str, int]]:
    """Return what is not done."""
    done = {name for target in SETS for name in rows.read(path_of(target), COLUMNS)["key"]}
    every = product(SETS, STRATEGIES, range(SEEDS // CHUNK))
    return [(target, name, chunk) for target, name, chunk in every if key(target, name, chunk * CHUNK) not in done]


def headline() -> dict[str, Any]:
    """Return, by data set and strategy, seeds and mean, spread and standard error of the test accuracy by budget."""
    found: dict[str, Any] = {}
    for target in SETS:
        table = rows.read(path_of(target), COLUMNS)
        found |= {f"{target} {name}": entry(group) for name, group in table.groupby("strategy")}
    return {"searches": found, "met": len(found) == len(SETS) * len(STRATEGIES) and ahead(found)}


def entry(group: pd.DataFrame) -> dict[str, Any]:
    """Return one strategy's figures."""
    tests = group[[str(budget) for budget in BUDGETS]]
    parts = {"mean": tests.mean(), "std": tests.std(), "error": tests.sem()}
    return {"seeds": len(group), **{name: each.round(3).to_dict() for name, each in parts.items()}}


def ahead(found: dict[str, Any]) -> bool:
    """Return whether AREA is at no budget behind evolution by more than two standard errors, and ahead after 20."""
    pairs = [(found[f"{target} area"], found[f"{target} evolution"]) for target in SETS]
    gains = [
        (budget, area["mean"][budget] - other["mean"][budget], np.hypot(area["error"][budget], other["error"][budget]))
        for area, other in pairs
        for budget in map(str, BUDGETS)
    ]
    return all(gain > (2 if budget == "20" else -2) * error for budget, gain, error in gains)


def lines(found: dict[str, Any]) -> list[list[str]]:
    """Return the headline as rows of text."""
    return [
        [
            f"{STRATEGIES[name.split()[1]]}, {name.split()[0]}",
            str(each["seeds"]),
            *(f"{each['mean'][budget]:.2f} ± {each['std'][budget]:.2f}" for budget in map(str, BUDGETS)),
            PUBLISHED[name.split()[1]] if name.startswith("cifar10 ") else "",
        ]
        for name, each in found["searches"].items()
    ]


HEAD = ("search", "seeds", *(f"after {budget}" for budget in BUDGETS), "published")


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.area", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        run_jobs(measure, missing(), "area")
    found = headline()
    table = Table(*HEAD, title="Test accuracy (percent) of what searches answer, mean ± standard deviation over seeds")
    for line in lines(found):
        table.add_row(*line)
    Console(width=160).print(table)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
