"""What a search tells while it runs, and where it keeps what an interruption must not cost."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
        tick: Told how many candidate trainings have just been spent.
        folder: Where the search keeps what it has done, so that it goes on when it is begun again, and several
            workers may share it; None keeps nothing.
    """

    tick: Tick = silent
    folder: Path | None = None

    def part(self, name: str) -> "Journal":
        """Return the journal of a part of the search, which has a folder of its own."""
        return Journal(self.tick, None if self.folder is None else self.folder / name)


NO_JOURNAL = Journal()
