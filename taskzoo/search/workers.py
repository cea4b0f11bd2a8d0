"""The searches of one task on all cores: every search is one job, and all of them fill one storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskzoo.files import digest_json
from taskzoo.parallel import advance, run_jobs
from taskzoo.params import ProbeParams, SearchParams, StrategyName
from taskzoo.probe.network import State, digest_state
from taskzoo.search.journal import Journal
from taskzoo.search.problem import Problem
from taskzoo.search.results import Trial
from taskzoo.search.run import search_once, searches
from taskzoo.search.space import SearchSpace
from taskzoo.search.spaces import make_space_for

Options = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Searches:
    """All that a worker must know.

    Args:
        problem: The task.
        state: Of the backbone that the whole space is built on.
        search: Space, strategies, seeds and trials.
        probe: Backbone and image size.
        arms: Name of a space -> its options by decision; all of them make the whole space.
        seed: Of the first search of each strategy.
    """

    problem: Problem
    state: State
    search: SearchParams
    probe: ProbeParams
    arms: Mapping[str, Options]
    seed: int

    def jobs(self) -> list[tuple[str, StrategyName, int]]:
        """Return arm, strategy and seed of every search."""
        return [(arm, *each) for arm in self.arms for each in searches(self.search, self.seed)]

    def digest(self) -> str:
        """Return what the trials depend on, in one digest."""
        problem = self.problem
        images = {"train": problem.train_images, "val": problem.val_images}
        labels = {"train labels": problem.train_labels, "val labels": problem.val_labels}
        return digest_json(
            {
                "search": self.search.model_dump(mode="json"),
                "probe": self.probe.model_dump(mode="json"),
                "tensors": digest_state({**images, **labels, **self.state}),
                "arms": {arm: {name: list(kept) for name, kept in each.items()} for arm, each in self.arms.items()},
                "seed": self.seed,
            }
        )

    def spaces(self) -> tuple[SearchSpace, dict[str, SearchSpace]]:
        """Return the whole space, and the space of every arm."""
        whole = make_space_for(self.problem.form, self.search, self.probe, self.state)
        full = {choice.name: choice.options for choice in whole.choices}
        parts = {arm: {name: tuple(kept) for name, kept in each.items()} for arm, each in self.arms.items()}
        return whole, {arm: whole if each == full else whole.restrict(each) for arm, each in parts.items()}


def search_together(todo: Searches, folder: Path) -> list[Trial]:
    """Run all searches, as many at once as there are cores, and go on where they were interrupted.

    Args:
        todo: The searches.
        folder: Of the storages; this one's lies in a folder named by its digest, and stays.

    Returns:
        All trials: the same, in the same order, as one search after the other gives.
    """
    own = folder / todo.digest()
    run_jobs(_search, [(todo, own, *job) for job in todo.jobs()], "search", todo.search.trials)
    return [trial for job in todo.jobs() for trial in _search(todo, own, *job)]


def _search(todo: Searches, folder: Path, arm: str, name: StrategyName, seed: int) -> list[Trial]:
    """Run one search, or what is left of it."""
    known, (whole, spaces) = _kept(todo, folder.name)
    journal = Journal(advance, folder)
    return search_once(spaces[arm], whole, known.problem, known.search, arm, name, seed, journal)


def _kept(todo: Searches, digest: str) -> tuple[Searches, tuple[SearchSpace, dict[str, SearchSpace]]]:
    """Return the searches with their spaces, made once a process: a problem remembers a trunk's maps."""
    if digest not in _made:
        _made.clear()
        _made[digest] = todo, todo.spaces()
    return _made[digest]


_made: dict[str, tuple[Searches, tuple[SearchSpace, dict[str, SearchSpace]]]] = {}
