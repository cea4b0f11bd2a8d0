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
    between, in_set = "ExpectColumnValuesToBeBetween", "ExpectColumnValuesToBeInSet"
    side = {"min_value": MIN_SIDE, "max_value": MAX_SIDE}
    size = f"{MIN_SIDE} to {MAX_SIDE:,} pixels a side"
    labels = len(manifest.classes) - 1
    pairs = [f"{split}/{name}" for split in SPLITS for name in manifest.classes]
    yes, no = {"value_set": [True]}, {"value_set": [False]}
    rebuild = "run the dataset stage again"
    return [
        Check(in_set, "decodable", yes, "images that can be decoded", rebuild),
        Check(in_set, "digest_matches", yes, "pixels that match their digest", rebuild),
        Check(between, "width", side, size, "resize or remove these images"),
        Check(between, "height", side, size, "resize or remove these images"),
        Check(in_set, "channels", {"value_set": [1, 3]}, "grey or RGB images", rebuild),
        Check(between, "label", {"min_value": 0, "max_value": labels}, f"labels from 0 to {labels}", rebuild),
        Check(
            "ExpectColumnDistinctValuesToContainSet",
            "split_class",
            {"value_set": pairs},
            "every class in every split",
            "add images of it",
        ),
        Check(
            between,
            "imbalance",
            {"max_value": MAX_IMBALANCE},
            f"no class more than {MAX_IMBALANCE} times as large as another",
            "add images to these classes, remove them, or set max_per_class",
        ),
        Check(
            in_set,
            "digest_in_other_split",
            no,
            "no image in two splits",
            "remove the copies, or let one group hold all copies of an image",
        ),
        Check(in_set, "group_in_other_split", no, "no group in two splits", "move each group into one split"),
        Check(
            in_set,
            "digest_in_other_class",
            {**no, "mostly": MOSTLY_ONE_CLASS},
            f"at least {MOSTLY_ONE_CLASS:.0%} of the images in one class only",
            "remove the wrong copies",
        ),
        # Copies inside a split bias no comparison between sources: they are told, and stop nothing.
        Check(
            in_set,
            "duplicate",
            {**no, "mostly": MOSTLY_UNIQUE},
            f"at most {1 - MOSTLY_UNIQUE:.0%} of the images to be copies inside their split",
            "remove the copies",
            "warning",
        ),
    ]
