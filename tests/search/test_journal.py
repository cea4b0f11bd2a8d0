"""Searches that were interrupted, and searches that share one storage."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage

from taskzoo.params import SUPERNETS, CellsParams, SearchParams, StrategyName
from taskzoo.probe.network import initial_state
from taskzoo.search.cells import CellSpace
from taskzoo.search.journal import STORAGE, Journal
from taskzoo.search.metrics import Metrics
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.run import search_task
from taskzoo.search.space import Architecture, SearchSpace
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.workers import Searches, search_together
from tests.search.conftest import PROBE, make_problem

TRIALS = 6


class StoppedError(Exception):
    """What ends a search."""


@dataclass(frozen=True, eq=False)
class Counting(Problem):
    """A problem that notes what it has to train, and is interrupted after some of it."""

    asked: list[Architecture] = field(default_factory=list)
    patience: int = 1000

    def evaluate(self, space: SearchSpace, architecture: Architecture, seed: int) -> Metrics:
        """Train, unless patience is at an end."""
        if len(self.asked) == self.patience:
            raise StoppedError
        self.asked.append(architecture)
        return super().evaluate(space, architecture, seed)


def counting(patience: int = 1000) -> Counting:
    problem = make_problem(2)
    return Counting(
        problem.train_images,
        problem.train_labels,
        problem.val_images,
        problem.val_labels,
        problem.form,
        problem.recipe,
        patience=patience,
    )


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - set(SUPERNETS)))  # For those: test_checkpoint.
def test_a_search_goes_on_where_it_was_interrupted(name: StrategyName, space: CellSpace, tmp_path: Path) -> None:
    patience = 0 if name == "fuse" else 2  # It trains few architectures alone, after rounds that must be kept.
    whole, told, first, second = counting(), list[int](), counting(patience), counting()
    expected = STRATEGIES[name](space, whole, TRIALS, 0)
    with pytest.raises(StoppedError):
        STRATEGIES[name](space, first, TRIALS, 0, Journal(folder=tmp_path))
    found = STRATEGIES[name](space, second, TRIALS, 0, Journal(told.append, tmp_path))
    assert found == expected
    assert first.asked + second.asked == whole.asked
    assert max(trial.number for trial in found) <= sum(told) <= TRIALS
    assert STRATEGIES[name](space, counting(patience=0), TRIALS, 0, Journal(folder=tmp_path)) == expected


def test_a_piece_of_work_is_done_once(tmp_path: Path) -> None:
    journal, other = Journal(folder=tmp_path), Journal(folder=tmp_path, name="other")
    assert [journal.once("piece", lambda: [1, 2]), Journal(folder=tmp_path).once("piece", lambda: [3])] == [[1, 2]] * 2
    assert other.once("piece", lambda: (4,)) == [4]
    assert Journal().once("piece", lambda: (5,)) == [5]


def test_a_line_that_a_dying_machine_left_unfinished_is_cut_off(space: CellSpace, tmp_path: Path) -> None:
    STRATEGIES["random"](space, make_problem(2), 2, 0, Journal(folder=tmp_path))
    whole = (tmp_path / STORAGE).read_bytes()
    (tmp_path / STORAGE).write_bytes(whole + b'{"op_code":4,"wor')
    again = counting()
    assert len(STRATEGIES["random"](space, again, 3, 0, Journal(folder=tmp_path))) == 3
    assert len(again.asked) == 1


PARAMS = SearchParams(strategies=["evolution"], seeds=2, trials=4, steps=10, cells=CellsParams(nodes=3, width=8))


def searches(space: CellSpace) -> Searches:
    problem = make_problem(PARAMS.steps)
    full = {choice.name: choice.options for choice in space.choices}
    narrowed = {**full, "level": full["level"][:1], "edge_0_1": ("sep3x3", "skip")}
    return Searches(problem, initial_state(PROBE), PARAMS, PROBE, {"full": full, "narrowed": narrowed}, seed=3)


def work(folder: str) -> None:
    """Do all searches: what the process that is killed runs."""
    search_together(searches(CellSpace(PROBE.backbone, initial_state(PROBE), PROBE.image_size, 3, 8)), Path(folder))


def known(folder: Path) -> int:
    """Return the number of trials in the storages of a folder."""
    studies = [JournalStorage(JournalFileBackend(str(path))) for path in folder.glob(f"*/{STORAGE}")]
    return sum(each.n_trials for storage in studies for each in optuna.get_all_study_summaries(storage))


def test_workers_that_were_killed_leave_all_but_what_they_were_at(space: CellSpace, tmp_path: Path) -> None:
    command = f"from tests.search.test_journal import work; work({str(tmp_path)!r})"
    process = subprocess.Popen([sys.executable, "-c", command], start_new_session=True)
    while process.poll() is None and known(tmp_path) < 3:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = known(tmp_path)
    assert 3 <= before < 16
    todo = searches(space)
    found = search_together(todo, tmp_path)
    whole, parts = todo.spaces()
    alone: list[Trial] = []
    for arm, part in parts.items():
        alone += search_task(part, whole, todo.problem, PARAMS, arm, todo.seed)
    assert [each.model_dump(exclude={"accuracy"}) for each in found] == [
        each.model_dump(exclude={"accuracy"}) for each in alone
    ]
    assert [each.accuracy for each in found] == pytest.approx([each.accuracy for each in alone], abs=0.1)
    assert known(tmp_path) == len(alone)
