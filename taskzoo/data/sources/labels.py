"""Labels of array and table sources: whole, not missing, in range."""

from collections.abc import Sequence
from typing import Any

from taskzoo.data.record import first_few
from taskzoo.errors import InputError


def class_names(labels: Sequence[Any], names: Sequence[str] | None, where: str) -> list[str]:
    """Turn labels into class names.

    Args:
        labels: Integers from 0 or names, one an image.
        names: Class names by integer label, where the source tells them.
        where: The file and column, for messages.

    Returns:
        One name an image.

    Raises:
        InputError: If a label is missing, is neither text nor an integer, is negative or has no name.
    """
    bad = [f"row {row} ({label!r})" for row, label in enumerate(labels) if not _usable(label, names)]
    if bad:
        upper = f"integers from 0 to {len(names) - 1}" if names else "integers from 0, or class names"
        raise InputError(
            f"{where} has labels out of range in {len(bad):,} rows: {first_few(bad)}; expected {upper}; mend "
            "or remove those rows."
        )
    return [names[label] if names and isinstance(label, int) else str(label) for label in labels]


def _usable(label: Any, names: Sequence[str] | None) -> bool:
    if isinstance(label, str):
        return bool(label.strip())
    if isinstance(label, bool) or not isinstance(label, int):
        return False
    return label >= 0 and (names is None or label < len(names))
