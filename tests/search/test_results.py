"""Trials, elites, curves and narrowed searches."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from taskzoo.errors import InputError
from taskzoo.params import CostName, SearchParams, StrategyName
from taskzoo.records import read_json
from taskzoo.search.cells import CellSpace
from taskzoo.search.metrics import Metrics
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Problem
from taskzoo.search.results import (
    Elites,
    SearchRecord,
    Trial,
    best_so_far,
    confirm,
    elites,
    measure,
    save_record,
)
from taskzoo.search.rewards import Reward, by_accuracy
from taskzoo.search.run import search_task
from taskzoo.search.space import Architecture, size
from taskzoo.search.strategies import STRATEGIES
from tests.search.conftest import make_problem


def trial(option: str, seed: int, accuracy: float, number: int = 1, parameters: int = 10, arm: str = "full") -> Trial:
    return Trial(
        strategy="random",
        arm=arm,
        seed=seed,
        number=number,
        architecture={"x": option},
        reward=accuracy,
        accuracy=accuracy,
        parameters=parameters,
        macs=5,
    )


def test_elites_by_hand() -> None:
    trials = [
        trial("a", 0, 0.9),
        trial("a", 1, 0.7),
        trial("a", 1, 0.7, arm="narrowed"),  # the same training again: counted once
        trial("b", 0, 0.8, parameters=20),
        trial("c", 0, 0.8, parameters=5),
        trial("d", 0, 0.1),
    ]
    best = elites(trials, 3)
    assert [elite.architecture["x"] for elite in best] == ["c", "a", "b"]
    assert best[1].accuracy == pytest.approx(0.8)
    assert best[1].std == pytest.approx(np.std([0.9, 0.7], ddof=1))
    assert best[1].seeds == 2


def test_the_best_are_best_by_reward() -> None:
    trials = [
        trial("accurate", 0, 0.9).model_copy(update={"reward": -0.4}),
        trial("cheap", 0, 0.5).model_copy(update={"reward": -0.1}),
        trial("cheap", 1, 0.6).model_copy(update={"reward": -0.2}),
    ]
    best = elites(trials, 2)
    assert [elite.architecture["x"] for elite in best] == ["cheap", "accurate"]
    assert best[0].reward == pytest.approx(-0.15)
    assert best[0].accuracy == pytest.approx(0.55)
    assert best_so_far(trials)["mean"].iloc[-1] == pytest.approx(np.mean([-0.1, -0.2]))


@dataclass(frozen=True)
class Luck:
    """One architecture is good by luck, with one seed; another with all."""

    reward: Reward = by_accuracy
    costs: tuple[CostName, ...] = ("macs",)

    def evaluate(self, space: ModelSpace, architecture: Architecture, seed: int) -> Metrics:
        lucky = architecture == (0,)
        return Metrics(accuracy=0.8 if not lucky else 0.9 if seed == 0 else 0.5, parameters=1, macs=1)


def test_what_was_lucky_once_is_found_out() -> None:
    models = ModelSpace(["test_resnet", "test_efficientnet", "test_vit"], 32)
    trials = [measure("random", models, Luck(), (index,), 0, index + 1) for index in range(2)]
    trials.append(trials[0].model_copy(update={"architecture": {"model": "test_vit"}, "accuracy": 0.1, "reward": 0.1}))
    once, thrice = (confirm(models, Luck(), trials, 2, seeds) for seeds in (0, 2))
    assert once == elites(trials, 2)
    assert [each.architecture["model"] for each in once] == ["test_resnet", "test_efficientnet"]
    assert [each.architecture["model"] for each in thrice] == ["test_efficientnet", "test_resnet"]
    assert [each.seeds for each in thrice] == [3, 3]
    assert thrice[1].accuracy == pytest.approx((0.9 + 0.5 + 0.5) / 3)


def test_the_curve_by_hand() -> None:
    trials = [
        trial("a", 0, 0.5, 1),
        trial("b", 0, 0.4, 2),
        trial("c", 0, 0.9, 3),
        trial("a", 1, 0.6, 2),
    ]
    curve = best_so_far(trials)
    assert list(curve["number"]) == [1, 2, 3]
    assert list(curve["mean"]) == pytest.approx([0.5, 0.55, 0.75])
    assert list(curve["seeds"]) == [1, 2, 2]
    assert curve["std"][2] == pytest.approx(np.std([0.9, 0.6], ddof=1))


def test_random_search_covers_a_space_smaller_than_its_budget(space: CellSpace, problem: Problem) -> None:
    keep = {choice.name: ["skip"] for choice in space.choices[1:]}
    trials = STRATEGIES["random"](space.restrict({**keep, "level": ["level2", "level3"]}), problem, 9, seed=0)
    assert [each.number for each in trials] == [1, 2]
    assert {each.architecture["level"] for each in trials} == {"level2", "level3"}


def test_search_task_runs_all_and_repeats_itself(space: CellSpace) -> None:
    params = SearchParams(seeds=2, trials=4, steps=4)
    first, second = (search_task(space, space, make_problem(4), params, "narrowed", seed=5) for _ in range(2))
    assert first == second
    assert {(each.strategy, each.seed) for each in first} == {(s, n) for s in ("random", "fuse") for n in (5, 6)}
    assert {each.arm for each in first} == {"narrowed"}
    assert all(each.number <= 4 for each in first)


@pytest.mark.parametrize("strategy", ["random", "evolution", "fuse"])
def test_a_narrowed_search_ends_in_the_whole_space(strategy: StrategyName, space: CellSpace) -> None:
    part = space.restrict({choice.name: [choice.options[0]] for choice in space.choices[1:]})
    params = SearchParams(seeds=2, trials=8, steps=2, strategies=[strategy], explore=0.5)
    trials = search_task(part, space, make_problem(2), params, "narrowed", seed=0)
    one = [trial for trial in trials if trial.seed == 0]
    assert [trial.number for trial in one] == sorted({trial.number for trial in one})
    assert one[-1].number <= 8
    inside = [set(trial.architecture.values()) <= {"skip", *space.choices[0].options} for trial in one]
    assert inside[0]
    if strategy != "fuse":  # Whose later incumbents may all be the first.
        assert size(part) == 4
        assert inside[:4] == [True] * 4
        assert not all(inside)


def test_too_few_trials_for_a_round_are_not_kept_from_the_narrowed_space(space: CellSpace) -> None:
    part = space.restrict({choice.name: list(choice.options[:2]) for choice in space.choices[1:]})
    params = SearchParams(seeds=2, trials=6, steps=2, strategies=["fuse"], explore=0.25)
    narrowed = search_task(part, space, make_problem(2), params, "narrowed", seed=0)
    alone = search_task(part, part, make_problem(2), params, "narrowed", seed=0)
    assert narrowed == alone


def test_a_trained_architecture_has_learned(space: CellSpace) -> None:
    (found,) = STRATEGIES["random"](space.restrict({"level": ["level1"]}), make_problem(40), 1, seed=0)
    assert found.accuracy > 0.9


def test_records_round_trip_and_name_damage(tmp_path: Path) -> None:
    trials = (trial("a", 0, 0.5),)
    record = SearchRecord(
        task="t", kind="cells", backbone="test_resnet", options={"full": {"x": ("a",)}}, trials=trials
    )
    save_record(tmp_path / "trials.json", record)
    assert read_json(tmp_path / "trials.json", SearchRecord, "search") == record
    best = Elites(task="t", elites=tuple(elites(trials, 1)))
    save_record(tmp_path / "elites.json", best)
    assert read_json(tmp_path / "elites.json", Elites, "search") == best
    (tmp_path / "elites.json").write_text(best.model_dump_json().replace('"task"', '"tusk"'))
    with pytest.raises(InputError, match=r"elites\.json is damaged: the key"):
        read_json(tmp_path / "elites.json", Elites, "search")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path / "absent.json", Elites, "search")
