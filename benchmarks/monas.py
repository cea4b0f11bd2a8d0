"""What MONAS and its rewards find: ``TASKZOO_DATA=... python -m benchmarks.monas``.

Searches of all cells of NAS-Bench-201 on CIFAR-10, which see the validation accuracies after 12 epochs and the exact
multiply-accumulates; test accuracies after 200 epochs are only reported. Three questions: is the policy better than
random search, is a hard limit met, and how much of the Pareto front is found. It measures what is missing in
``benchmarks/results/monas`` and goes on where it was killed; ``--summary`` prints the headline from what is there, its
last line as JSON.
"""

import argparse
import json
from collections.abc import Sequence
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
from taskzoo.files import write_json
from taskzoo.parallel import run_jobs
from taskzoo.params import StrategyName
from taskzoo.search.metrics import Metrics
from taskzoo.search.nasbench201 import cell_string
from taskzoo.search.pareto import front, hypervolume
from taskzoo.search.results import Trial
from taskzoo.search.rewards import Limit, Mixed, Reward, by_accuracy
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.table import TableProblem

RESULTS = Path(__file__).parent / "results/monas"
BOUNDS = RESULTS / "bounds.json"
TARGET, SEEDS, CHUNK = "cifar10", 500, 10
BUDGETS = (20, 50, 100, 200)
LIMIT = 40e6  # Multiply-accumulates; a quarter of all cells are below.
WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)  # Of the accuracy, in the sweep.
SEARCHES: dict[str, tuple[StrategyName, ...]] = {
    "accuracy": ("random", "evolution", "tpe", "monas"),
    "limit": ("random", "evolution", "tpe", "monas"),
    "front": ("random", "nsga2", "monas"),
}
ANSWERS = tuple(f"{name}_{budget}" for name in ("validation", "test", "macs") for budget in BUDGETS)
COLUMNS = dict.fromkeys(("accuracy", "limit"), ("key", "strategy", "seed", *ANSWERS)) | {
    "front": ("key", "strategy", "seed", "volume")
}


@cache
def cells() -> list[Metrics]:
    """Return what a search may know of every cell."""
    problem, every = TableProblem(known(TARGET)), product(*(range(len(choice.options)) for choice in SPACE.choices))
    return [problem.evaluate(SPACE, each, 0) for each in every]


def largest() -> float:
    """Return the multiply-accumulates of the largest cell."""
    return float(max(each.macs for each in cells()))


def search(strategy: StrategyName, reward: Reward, trials: int, seed: int) -> list[Trial]:
    """Return the trials of one search."""
    return STRATEGIES[strategy](SPACE, TableProblem(known(TARGET), reward=reward), trials, seed)  # type: ignore[arg-type]


def measure(question: str, strategy: StrategyName, chunk: int) -> None:
    """Search with some seeds and keep what each finds."""
    find = volume if question == "front" else answered
    found = [
        (f"{question}-{strategy}-{seed}", strategy, seed, *find(question, strategy, seed))
        for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK)
    ]
    rows.append(path_of(question), COLUMNS[question], found)


def answered(question: str, strategy: StrategyName, seed: int) -> list[str]:
    """Return accuracies in percent, and millions of multiply-accumulates, of what is answered after each budget."""
    reward = Limit("macs", LIMIT) if question == "limit" else by_accuracy
    found = answers(search(strategy, reward, BUDGETS[-1], seed), BUDGETS)
    tests = [known(TARGET).test[cell_string(each.architecture)] for each in found]
    shares = [*(each.accuracy for each in found), *tests]
    return [*(f"{100 * share:.2f}" for share in shares), *(f"{each.macs / 1e6:.2f}" for each in found)]


def volume(_question: str, strategy: StrategyName, seed: int) -> list[str]:
    """Return the hypervolume of accuracy and multiply-accumulates that a search, or a sweep of searches, finds."""
    if strategy == "monas":
        part = BUDGETS[-1] // len(WEIGHTS)
        rewards = [Mixed("macs", largest(), weight) for weight in WEIGHTS]
        trials = [trial for reward in rewards for trial in search(strategy, reward, part, seed)]
    else:
        trials = search(strategy, by_accuracy, BUDGETS[-1], seed)
    return [f"{covered(trials):.5f}"]


def covered(found: Sequence[Metrics]) -> float:
    """Return the hypervolume of some cells, by validation accuracy."""
    return hypervolume([each.accuracy for each in found], [each.macs for each in found], largest())


def path_of(question: str) -> Path:
    """Return the file of a question's results."""
    return RESULTS / f"{question}.csv"


def missing() -> list[tuple[str, StrategyName, int]]:
    """Return what is not done; chunks change slowest."""
    done = {str(name) for question in SEARCHES for name in rows.read(path_of(question), COLUMNS[question])["key"]}
    every = [(question, name) for question, names in SEARCHES.items() for name in names]
    chunks = product(range(SEEDS // CHUNK), every)
    return [(*each, chunk) for chunk, each in chunks if f"{'-'.join(each)}-{chunk * CHUNK}" not in done]


def headline() -> dict[str, Any]:
    """Return what was found, by question and strategy."""
    found: dict[str, Any] = {}
    for question, names in SEARCHES.items():
        table = rows.read(path_of(question), COLUMNS[question])
        groups = {name: table[table["strategy"] == name] for name in names}
        describe = {"accuracy": of_accuracy, "limit": of_limit, "front": of_front}[question]
        found[question] = {name: describe(group) for name, group in groups.items() if len(group) > 1}
    return found | {"met": all(len(found[question]) == len(SEARCHES[question]) for question in SEARCHES) and met(found)}


def figures(values: "pd.Series[float]") -> dict[str, float]:
    """Return mean, standard deviation and standard error over seeds."""
    return {
        "mean": round(float(values.mean()), 4),
        "std": round(float(values.std()), 4),
        "error": round(float(np.asarray(values.sem())), 4),
    }


def of_accuracy(group: pd.DataFrame) -> dict[str, Any]:
    """Return the test accuracy by budget."""
    return {"seeds": len(group), "test": {str(budget): figures(group[f"test_{budget}"]) for budget in BUDGETS}}


def of_limit(group: pd.DataFrame) -> dict[str, Any]:
    """Return the share of searches that answer below the limit, and the validation accuracy of these, by budget."""
    below = {budget: group[group[f"macs_{budget}"] * 1e6 < LIMIT] for budget in BUDGETS}
    return {
        "seeds": len(group),
        "below": {str(budget): round(len(each) / len(group), 4) for budget, each in below.items()},
        "validation": {str(budget): figures(each[f"validation_{budget}"]) for budget, each in below.items()},
        "test": {str(budget): figures(each[f"test_{budget}"]) for budget, each in below.items()},
    }


def of_front(group: pd.DataFrame) -> dict[str, Any]:
    """Return the hypervolume."""
    return {"seeds": len(group), "volume": figures(group["volume"])}


def met(found: dict[str, Any]) -> bool:
    """Return whether MONAS beats random search, meets the limit, and the front's strategies cover more than chance."""
    last = str(BUDGETS[-1])
    ahead = [better(found["accuracy"]["monas"]["test"][last], found["accuracy"]["random"]["test"][last])]
    ahead += [better(found["front"][name]["volume"], found["front"]["random"]["volume"]) for name in ("monas", "nsga2")]
    return all(ahead) and found["limit"]["monas"]["below"][last] == 1.0


def better(one: dict[str, float], other: dict[str, float]) -> bool:
    """Return whether a mean is above another by more than two standard errors of their difference."""
    return one["mean"] - other["mean"] > 2 * float(np.hypot(one["error"], other["error"]))


def bounds() -> dict[str, float]:
    """Return what the table has to offer: to a search under the limit, and of the plane."""
    below = [each for each in cells() if each.macs < LIMIT]
    return {
        "below": round(len(below) / len(cells()), 4),
        "validation_below": round(100 * max(each.accuracy for each in below), 2),
        "volume": round(covered(cells()), 5),
        "front": len(front(cells(), ("macs",))),
    }


def tables(found: dict[str, Any]) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    """Return title, head and rows of a table for each question."""
    after = tuple(f"after {budget}" for budget in BUDGETS)
    accuracy = [
        [name, str(each["seeds"]), *(shown(each["test"][str(budget)]) for budget in BUDGETS)]
        for name, each in found["accuracy"].items()
    ]
    limit = [
        [
            name,
            str(each["seeds"]),
            *(f"{each['below'][str(budget)]:.0%}: {shown(each['validation'][str(budget)])}" for budget in BUDGETS),
        ]
        for name, each in found["limit"].items()
    ]
    covered = [[name, str(each["seeds"]), shown(each["volume"], 4)] for name, each in found["front"].items()]
    return [
        ("Test accuracy of the best by validation accuracy", ("strategy", "seeds", *after), accuracy),
        ("Answers below the limit, and their validation accuracy", ("strategy", "seeds", *after), limit),
        (f"Hypervolume after {BUDGETS[-1]}", ("strategy", "seeds", "hypervolume"), covered),
    ]


def shown(each: dict[str, float], digits: int = 2) -> str:
    """Return mean ± standard deviation."""
    return f"{each['mean']:.{digits}f} ± {each['std']:.{digits}f}"


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monas", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        write_json(BOUNDS, bounds())
        run_jobs(measure, missing(), "monas")
    found = headline()
    for title, head, lines in tables(found):
        table = Table(*head, title=title)
        for line in lines:
            table.add_row(*line)
        Console(width=160).print(table)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
