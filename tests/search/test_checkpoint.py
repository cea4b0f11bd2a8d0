"""Interrupted supernet trainings go on where they were, to the bit."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from taskzoo.params import StrategyName
from taskzoo.search import checkpoint
from taskzoo.search.cells import CellSpace
from taskzoo.search.checkpoint import Record
from taskzoo.search.journal import Journal
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.space import SearchSpace
from taskzoo.search.strategies import STRATEGIES, Strategy
from taskzoo.search.strategies.one_shot import OneShot, uniform_paths
from taskzoo.search.supernet import Supernet
from taskzoo.search.supernet_training import FILE
from tests.search.conftest import make_problem

TRIALS = 12


class Killed(BaseException):
    """What ends a search from outside."""


@pytest.fixture(autouse=True)
def _after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)


class Kills:
    """A tick that ends the search when so many trainings are spent."""

    def __init__(self, trainings: int) -> None:
        self.left = trainings

    def __call__(self, trainings: int) -> None:
        self.left -= trainings
        if self.left <= 0:
            raise Killed


def steps(path: Path) -> int:
    with safe_open(path, framework="pt") as handle:
        return Record.model_validate_json(handle.metadata()["record"]).step


@pytest.mark.parametrize("name", ["snas", "one_shot"])
def test_an_interrupted_search_ends_as_an_uninterrupted_one(
    name: StrategyName, networks: NASBench201Space, tmp_path: Path
) -> None:
    interrupted(STRATEGIES[name], networks, 8, tmp_path)


def test_weights_that_are_shared_are_kept_too(space: CellSpace, tmp_path: Path) -> None:
    interrupted(STRATEGIES["snas"], space.restrict({"level": ["level2", "level3"]}), 32, tmp_path)


def interrupted(search: Strategy, space: SearchSpace, side: int, folder: Path) -> None:
    """Search, and search with two interruptions."""
    whole, broken = folder / "whole", folder / "broken"
    trials = search(space, make_problem(3, side), TRIALS, 0, Journal(folder=whole))
    kept, going = Journal(folder=whole).place, Journal(folder=broken).place
    assert kept is not None
    assert going is not None
    for trainings in (2, 4, TRIALS):
        with pytest.raises(Killed):
            search(space, make_problem(3, side), TRIALS, 0, Journal(Kills(trainings), broken))
        assert 0 < steps(going / FILE) <= steps(kept / FILE)
        assert (steps(going / FILE) < steps(kept / FILE)) == (trainings < TRIALS)
    told: list[int] = []
    assert search(space, make_problem(3, side), TRIALS, 0, Journal(told.append, broken)) == trials
    assert (going / FILE).read_bytes() == (kept / FILE).read_bytes()
    assert sum(told) == TRIALS


def test_what_is_done_is_not_done_again(
    networks: NASBench201Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, journal = STRATEGIES["one_shot"], Journal(folder=tmp_path)
    trials = search(networks, make_problem(2, 8), TRIALS, 0, journal)
    monkeypatch.setattr(Supernet, "forward", None)  # Not asked any more.
    assert search(networks, make_problem(2, 8), TRIALS, 0, journal) == trials


def test_a_state_of_another_training_is_not_taken_up(networks: NASBench201Space, tmp_path: Path) -> None:
    training, journal, problem = OneShot("one_shot", uniform_paths), Journal(folder=tmp_path), make_problem(side=8)
    assert journal.place is not None
    path = journal.place / FILE

    def same(steps: int, seed: int) -> bool:
        """Tell whether a training in the folder is as one without."""
        found = training.train(networks, problem, steps, seed, journal).state_dict()
        fresh = training.train(networks, problem, steps, seed).state_dict()
        return all(torch.equal(tensor, fresh[name]) for name, tensor in found.items())

    assert same(4, 0)
    assert same(4, 1)
    assert same(3, 1)
    path.write_bytes(path.read_bytes()[:-100])
    assert same(3, 1)
