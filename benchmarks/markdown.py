"""Markdown that several pages need."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def where(environments: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line for each environment in which something was measured."""
    return [", ".join(f"{name} {value}" for name, value in each.items()) for each in environments]
