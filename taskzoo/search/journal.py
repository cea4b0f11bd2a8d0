"""What a search tells while it runs, and where it keeps what an interruption must not cost.

All searches of one task share one optuna storage, a study each: a file that optuna's own tools can browse, and that
several workers fill at once. A search that is begun again proposes what it proposed before, and takes from its study
what is known of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.distributions import CategoricalDistribution
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock, JournalStorage
from optuna.trial import create_trial

from taskzoo.search.problem import Evaluator
from taskzoo.search.results import Trial, measure
from taskzoo.search.space import Architecture, SearchSpace

STORAGE = "optuna.log"
RECORD = "record"
Tick = Callable[[int], None]


def silent(trainings: int) -> None:
    """Take note of nothing."""


class Counted:
    """A tick that adds up what it passes on."""

    def __init__(self, tick: Tick) -> None:
        self.tick, self.total = tick, 0

    def __call__(self, trainings: int) -> None:
        """Count, and pass on."""
        self.total += trainings
        self.tick(trainings)


@dataclass(frozen=True)
class Journal:
    """Of one search.

    Args:
        tick: Told how many candidate trainings have just been spent, those known from before among them.
        folder: Of all searches of the task, where what is done is kept; None keeps nothing. One that was made for
            other data or parameters must not be given.
        name: Of the search, unique in the folder.
    """

    tick: Tick = silent
    folder: Path | None = None
    name: str = "search"

    def part(self, name: str, tick: Tick | None = None) -> "Journal":
        """Return the journal of a part of the search, perhaps with a tick of its own."""
        return Journal(tick or self.tick, self.folder, f"{self.name}/{name}")

    @property
    def place(self) -> Path | None:
        """Return the folder of this search alone, for what is no trial."""
        return None if self.folder is None else self.folder / self.name

    def measure(
        self,
        strategy: str,
        space: SearchSpace,
        problem: Evaluator,
        architecture: Architecture,
        seed: int,
        number: int,
    ) -> Trial:
        """Train an architecture alone, unless the study knows the trial; see ``results.measure``."""
        if self.folder is None:
            return measure(strategy, space, problem, architecture, seed, number)
        if number not in self._trials:
            trial = measure(strategy, space, problem, architecture, seed, number)
            options = {choice.name: CategoricalDistribution(choice.options) for choice in space.choices}
            self._trials[number] = trial
            self._study.add_trial(
                create_trial(
                    params=dict(trial.architecture),
                    distributions=dict(options),
                    value=trial.reward,
                    user_attrs={RECORD: trial.model_dump_json()},
                )
            )
        return self._trials[number]

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """Return what JSON can hold of a piece of work that is no trial, done unless the study knows it.

        Args:
            name: Of the piece, unique in the search.
            find: Does it; what it returns comes back as JSON gives it, tuples as lists.
        """
        if self.folder is None:
            return json.loads(json.dumps(find()))
        known: Mapping[str, Any] = self._study.user_attrs
        if name not in known:
            self._study.set_user_attr(name, find())
        return self._study.user_attrs[name]

    @cached_property
    def _study(self) -> optuna.Study:
        assert self.folder is not None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.create_study(
            study_name=self.name, storage=_storage(self.folder), direction="maximize", load_if_exists=True
        )

    @cached_property
    def _trials(self) -> dict[int, Trial]:
        """Return the trials of the study by their number."""
        records = (each.user_attrs[RECORD] for each in self._study.get_trials(deepcopy=False))
        return {trial.number: trial for trial in map(Trial.model_validate_json, records)}


NO_JOURNAL = Journal()


def _storage(folder: Path) -> JournalStorage:
    """Open the storage of a folder; a last line that a dying machine left unfinished is cut off."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STORAGE
    lock = ProcessLock(path)
    lock.acquire()
    try:
        content = path.read_bytes() if path.exists() else b""
        if not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])
    finally:
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock))


class ProcessLock(JournalFileSymlinkLock):
    """A lock that ends with the process that holds it: optuna's own would stay locked for half a minute."""

    def __init__(self, path: Path) -> None:
        self._file = FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._file.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self._file.release()
