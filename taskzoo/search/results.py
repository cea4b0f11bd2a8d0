"""What searches leave behind: trials, the best architectures among them, and curves."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from taskzoo.files import write_json
from taskzoo.params import SearchedName
from taskzoo.search.metrics import Metrics
from taskzoo.search.problem import Evaluator
from taskzoo.search.space import Architecture, SearchSpace, decode, encode


class Trial(Metrics):
    """One architecture, trained alone and measured.

    Attributes:
        strategy: That proposed it.
        arm: Which space was searched, for example "full" or "narrowed".
        seed: Of the search, and of this training.
        number: Candidate trainings the search had spent when this one was done, from 1.
        architecture: Option by decision.
        reward: What the search maximised.
    """

    strategy: str
    arm: str
    seed: int
    number: int = Field(ge=1)
    architecture: dict[str, str]
    reward: float


class Elite(Metrics):
    """A good architecture, with its mean accuracy over seeds and its costs in the first training.

    Attributes:
        architecture: Option by decision.
        reward: Mean over seeds of what the searches maximised.
        std: Standard deviation of the accuracy over seeds, 0 where there is one.
        seeds: Trainings with different seeds behind the mean.
    """

    architecture: dict[str, str]
    reward: float
    std: float = Field(ge=0)
    seeds: int = Field(ge=1)


class SearchRecord(BaseModel):
    """All searches of one task.

    Attributes:
        schema_version: Of this format.
        task: Searched for.
        kind: Of space.
        backbone: The probe's timm name, which is the trunk's for space cells.
        options: Options by decision, by arm: the spaces searched.
        trials: All of them, in the order they were done.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    task: str
    kind: SearchedName
    backbone: str
    options: dict[str, dict[str, tuple[str, ...]]]
    trials: tuple[Trial, ...] = Field(min_length=1)


class Elites(BaseModel):
    """The best architectures of one task, which later searches learn from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    task: str
    elites: tuple[Elite, ...] = Field(min_length=1)


def measure(
    strategy: str, space: SearchSpace, problem: Evaluator, architecture: Architecture, seed: int, number: int
) -> Trial:
    """Train an architecture alone and record it; the arm is named "full" until ``search_task`` names it.

    Args:
        strategy: That proposed it.
        space: The space it belongs to.
        problem: The task.
        architecture: Option indices.
        seed: Of the search and the training.
        number: Candidate trainings spent, this one included.

    Returns:
        The trial.
    """
    metrics = problem.evaluate(space, architecture, seed)
    return Trial(
        strategy=strategy,
        arm="full",
        seed=seed,
        number=number,
        architecture=decode(space, architecture),
        reward=problem.reward(metrics),
        **dict(metrics),
    )


def elites(trials: Sequence[Trial], count: int) -> list[Elite]:
    """Pick the best architectures.

    Args:
        trials: Of one task, any strategies, arms and seeds; the same architecture and seed counts once.
        count: How many at most.

    Returns:
        Distinct architectures by falling mean reward; of equals, the one with fewer parameters first.
    """
    by_architecture: dict[tuple[tuple[str, str], ...], dict[int, Trial]] = defaultdict(dict)
    for trial in trials:
        by_architecture[tuple(sorted(trial.architecture.items()))][trial.seed] = trial
    found = [_elite(list(seeds.values())) for _, seeds in sorted(by_architecture.items())]
    return sorted(found, key=lambda elite: (-elite.reward, elite.parameters))[:count]


def confirm(space: SearchSpace, problem: Evaluator, trials: Sequence[Trial], count: int, seeds: int) -> list[Elite]:
    """Pick the best architectures, then train each again, so that the luckiest does not come first.

    Args:
        space: The whole space.
        problem: The task.
        trials: Of one task.
        count: How many at most.
        seeds: Further trainings of each, with seeds that no trial has.

    Returns:
        The same architectures as ``elites`` picks, by falling mean reward over all their trainings.
    """
    best = [each.architecture for each in elites(trials, count)]
    last = max(trial.seed for trial in trials)
    again = [
        measure("confirmation", space, problem, encode(space, architecture), last + extra, extra)
        for architecture in best
        for extra in range(1, seeds + 1)
    ]
    return elites([*(trial for trial in trials if trial.architecture in best), *again], count)


def _elite(trials: Sequence[Trial]) -> Elite:
    """Return the summary of one architecture's trials, which differ in their seed."""
    accuracies = np.array([trial.accuracy for trial in trials])
    metrics = {name: getattr(trials[0], name) for name in Metrics.model_fields}
    return Elite(
        architecture=trials[0].architecture,
        reward=float(np.mean([trial.reward for trial in trials])),
        std=float(accuracies.std(ddof=1)) if len(trials) > 1 else 0.0,
        seeds=len(trials),
        **{**metrics, "accuracy": float(accuracies.mean())},
    )


def best_so_far(trials: Sequence[Trial]) -> pd.DataFrame:
    """Follow the best reward over the candidate trainings spent.

    Args:
        trials: Any strategies, arms and seeds.

    Returns:
        Columns arm, strategy, number, mean, std, seeds; a strategy's first row is at its first result.
    """
    columns = ["arm", "strategy", "seed", "number", "reward"]
    table = pd.DataFrame([[getattr(trial, name) for name in columns] for trial in trials], columns=columns)
    rows = []
    for (arm, strategy), group in table.groupby(["arm", "strategy"], sort=True):
        curves = group.pivot_table(index="number", columns="seed", values="reward", aggfunc="max")
        steps = curves.reindex(range(1, int(curves.index.max()) + 1)).cummax().ffill().dropna(how="all")
        rows.append(
            pd.DataFrame(
                {
                    "arm": arm,
                    "strategy": strategy,
                    "number": steps.index,
                    "mean": steps.mean(axis=1).to_numpy(),
                    "std": steps.std(axis=1, ddof=1).fillna(0.0).to_numpy(),
                    "seeds": steps.count(axis=1).to_numpy(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def save_record(path: Path, record: SearchRecord | Elites) -> None:
    """Write a record to a JSON file, atomically."""
    write_json(path, record.model_dump(mode="json"))
