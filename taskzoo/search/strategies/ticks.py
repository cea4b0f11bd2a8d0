"""How a strategy reports progress."""

from collections.abc import Callable

Tick = Callable[[int], None]


def silent(trainings: int) -> None:
    """Take note of nothing."""
