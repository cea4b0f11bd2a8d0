"""The expectations that every stored data set must meet, as data."""

from dataclasses import dataclass
from typing import Any, Literal

from taskzoo.data.images import MIN_SIDE
from taskzoo.data.manifest import Manifest
from taskzoo.data.record import SPLITS

MAX_SIDE = 10_000
MAX_IMBALANCE = 100
MOSTLY_ONE_CLASS = 0.99
MOSTLY_UNIQUE = 0.95

BETWEEN, IN_SET = "ExpectColumnValuesToBeBetween", "ExpectColumnValuesToBeInSet"
YES, NO = {"value_set": [True]}, {"value_set": [False]}
REBUILD = "run the dataset stage again"

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """An expectation on a column of the image facts.

    Attributes:
        kind: Great Expectations' class.
        column: Looked at by this expectation only.
        options: Its other arguments.
        expected: In words.
        advice: What to do where it fails.
        severity: A failed warning is recorded and stops nothing.
    """

    kind: str
    column: str
    options: dict[str, Any]
    expected: str
    advice: str
    severity: Severity = "critical"


def suite(manifest: Manifest) -> list[Check]:
    """Return the expectations for a data set, one a column, in the order in which failures are told."""
    side = {"min_value": MIN_SIDE, "max_value": MAX_SIDE}
    size = f"{MIN_SIDE} to {MAX_SIDE:,} pixels a side"
    return [
        Check(IN_SET, "decodable", YES, "images that can be decoded", REBUILD),
        Check(IN_SET, "digest_matches", YES, "pixels that match their digest", REBUILD),
        Check(BETWEEN, "width", side, size, "resize or remove these images"),
        Check(BETWEEN, "height", side, size, "resize or remove these images"),
        Check(IN_SET, "channels", {"value_set": [1, 3]}, "grey or RGB images", REBUILD),
        *(_of_classes(manifest) if manifest.classes else _of_targets()),
        Check(
            IN_SET,
            "digest_in_other_split",
            NO,
            "no image in two splits",
            "remove the copies, or let one group hold all copies of an image",
        ),
        Check(IN_SET, "group_in_other_split", NO, "no group in two splits", "move each group into one split"),
        *([_one_class()] if manifest.classes else []),
        # Copies inside a split bias no comparison between sources: they are told, and stop nothing.
        Check(
            IN_SET,
            "duplicate",
            {**NO, "mostly": MOSTLY_UNIQUE},
            f"at most {1 - MOSTLY_UNIQUE:.0%} of the images to be copies inside their split",
            "remove the copies",
            "warning",
        ),
    ]


def _of_classes(manifest: Manifest) -> list[Check]:
    labels = len(manifest.classes) - 1
    pairs = [f"{split}/{name}" for split in SPLITS for name in manifest.classes]
    return [
        Check(BETWEEN, "label", {"min_value": 0, "max_value": labels}, f"labels from 0 to {labels}", REBUILD),
        Check(
            "ExpectColumnDistinctValuesToContainSet",
            "split_class",
            {"value_set": pairs},
            "every class in every split",
            "add images of it",
        ),
        Check(
            BETWEEN,
            "imbalance",
            {"max_value": MAX_IMBALANCE},
            f"no class more than {MAX_IMBALANCE} times as large as another",
            "add images to these classes, remove them, or set max_per_class",
        ),
    ]


def _one_class() -> Check:
    return Check(
        IN_SET,
        "digest_in_other_class",
        {**NO, "mostly": MOSTLY_ONE_CLASS},
        f"at least {MOSTLY_ONE_CLASS:.0%} of the images in one class only",
        "remove the wrong copies",
    )


def _of_targets() -> list[Check]:
    return [
        Check(IN_SET, "targets", YES, "whole target files of the image's size", REBUILD),
        # Views that show nothing are left out of tasks: they are told, and stop nothing.
        Check(
            BETWEEN,
            "seen",
            {"min_value": 0, "strict_min": True},
            "some pixel of every target that is not missing",
            "remove these views",
            "warning",
        ),
    ]
