"""What searches leave behind: trials, the best architectures among them, and curves."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from taskzoo.files import write_json
from taskzoo.params import SpaceName
from taskzoo.search.metrics import Metrics
from taskzoo.search.problem import Evaluator
from taskzoo.search.space import Architecture, SearchSpace, decode

Accuracy = Annotated[float, Field(ge=0, le=1)]


class Trial(BaseModel):
    """One architecture, trained alone and measured.

    Attributes:
        strategy: That proposed it.
        arm: Which space was searched, for example "full" or "narrowed".
        seed: Of the search, and of this training.
        number: Candidate trainings the search had spent when this one was done, from 1.
        architecture: Option by decision.
        accuracy: On validation images, in [0, 1].
        parameters: Of the whole network.
        macs: Multiply-accumulates of the whole network on one image.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: str
    arm: str
    seed: int
    number: int = Field(ge=1)
    architecture: dict[str, str]
    accuracy: Accuracy
    parameters: int = Field(ge=0)
    macs: int = Field(ge=0)


class Elite(BaseModel):
    """A good architecture.

    Attributes:
        architecture: Option by decision.
        accuracy: Mean validation accuracy over seeds.
        std: Standard deviation over seeds, 0 where there is one.
        seeds: Trainings with different seeds behind the mean.
        parameters: Of the whole network.
        macs: Multiply-accumulates of the whole network on one image.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: dict[str, str]
    accuracy: Accuracy
    std: float = Field(ge=0)
    seeds: int = Field(ge=1)
    parameters: int = Field(ge=0)
    macs: int = Field(ge=0)


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
    kind: SpaceName
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
        accuracy=metrics.accuracy,
        parameters=metrics.parameters,
        macs=metrics.macs,
    )


def reward_of(problem: Evaluator, trial: Trial) -> float:
    """Return what a problem makes of a trial's metrics."""
    return problem.reward(Metrics(trial.accuracy, trial.parameters, trial.macs))


def elites(trials: Sequence[Trial], count: int) -> list[Elite]:
    """Pick the best architectures.

    Args:
        trials: Of one task, any strategies, arms and seeds; the same architecture and seed counts once.
        count: How many at most.

    Returns:
        Distinct architectures by falling mean accuracy; of equals, the one with fewer parameters first.
    """
    by_architecture: dict[tuple[tuple[str, str], ...], dict[int, Trial]] = defaultdict(dict)
    for trial in trials:
        by_architecture[tuple(sorted(trial.architecture.items()))][trial.seed] = trial
    found = [_elite(list(seeds.values())) for _, seeds in sorted(by_architecture.items())]
    return sorted(found, key=lambda elite: (-elite.accuracy, elite.parameters))[:count]


def _elite(trials: Sequence[Trial]) -> Elite:
    """Return the summary of one architecture's trials, which differ in their seed."""
    accuracies = np.array([trial.accuracy for trial in trials])
    return Elite(
        architecture=trials[0].architecture,
        accuracy=float(accuracies.mean()),
        std=float(accuracies.std(ddof=1)) if len(trials) > 1 else 0.0,
        seeds=len(trials),
        parameters=trials[0].parameters,
        macs=trials[0].macs,
    )


def best_so_far(trials: Sequence[Trial]) -> pd.DataFrame:
    """Follow the best validation accuracy over the candidate trainings spent.

    Args:
        trials: Any strategies, arms and seeds.

    Returns:
        Columns arm, strategy, number, mean, std, seeds; a strategy's first row is at its first result.
    """
    table = pd.DataFrame([trial.model_dump(exclude={"architecture"}) for trial in trials])
    rows = []
    for (arm, strategy), group in table.groupby(["arm", "strategy"], sort=True):
        curves = group.pivot_table(index="number", columns="seed", values="accuracy", aggfunc="max")
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
