"""What a source hands over: one record an image."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from taskzoo.errors import InputError
from taskzoo.params import DatasetParams

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
SHOWN = 5


@dataclass(frozen=True)
class Record:
    """One image of a source.

    Attributes:
        content: The image file's bytes, as found.
        path: Names the image inside its source.
        label: The class's name.
        group: What must not be split, for example the photograph that a crop is from; None where unknown.
        split: The split that the source itself puts it in; None where it names none.
    """

    content: bytes
    path: str
    label: str
    group: str | None
    split: Split | None


@dataclass(frozen=True)
class Source:
    """All images of a data set, read one by one.

    Attributes:
        format: How it is read.
        count: Number of records.
        records: The records.
    """

    format: str
    count: int
    records: Iterator[Record]


class Grouper:
    """Reads an image's group from its path.

    Args:
        name: The data set, for messages.
        params: Gives the regular expression, if any.

    Raises:
        InputError: If the expression is malformed or has not exactly one group.
    """

    def __init__(self, name: str, params: DatasetParams) -> None:
        self.field = f"datasets.{name}.group"
        self.pattern = None
        if params.group is None:
            return
        try:
            self.pattern = re.compile(params.group)
        except re.error as error:
            raise InputError(
                f"{self.field} is {params.group!r}, which is not a regular expression ({error}); expected "
                "one with one group in parentheses; mend it."
            ) from error
        if self.pattern.groups != 1:
            raise InputError(
                f"{self.field} is {params.group!r} with {self.pattern.groups} groups in parentheses; "
                "expected exactly one; mend it."
            )

    def __call__(self, path: str, found: str | None = None) -> str | None:
        """Return the group of an image.

        Args:
            path: Names the image inside its source.
            found: The group that the source itself gives; used where no expression is given.

        Returns:
            The group, or None where nothing tells of groups.

        Raises:
            InputError: If the expression matches nothing in the path.
        """
        if self.pattern is None:
            return found
        match = self.pattern.search(path)
        if match is None or not match.group(1):
            raise InputError(
                f"{self.field} is {self.pattern.pattern!r}, which finds no group in the path {path!r}; "
                "expected a match in every image's path; mend the expression or rename the image."
            )
        return match.group(1)


def first_few(items: list[str]) -> str:
    """Return the first five items, joined, and how many more there are."""
    more = f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more
