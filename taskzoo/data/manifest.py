"""What a stored data set says of itself: manifest.json."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from taskzoo.data.record import Split
from taskzoo.records import read_json

MANIFEST = "manifest.json"


class ManifestSource(BaseModel):
    """Where a data set came from.

    Attributes:
        format: How it was read.
        path: As given, without the folders above it where it was absolute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str
    path: str

    @classmethod
    def of(cls, kind: str, path: str) -> "ManifestSource":
        """Return the source of a format, at a path as params.yaml gives it."""
        return cls(format=kind, path=Path(path).name if Path(path).is_absolute() else path)


class Manifest(BaseModel):
    """The facts of a stored data set.

    Attributes:
        schema_version: Of this file.
        name: The data set.
        digest: SHA-256 over images, labels or target images, splits and groups, whatever their order, names and source.
        classes: Names by integer label; names that are numbers stand in numeric order. None where the images
            have target images instead.
        images: Number of images in all splits.
        counts: Split -> class (or group, where there are no classes) -> number of images.
        groups: Whether images have groups.
        channels: Numbers of channels that occur.
        min_width: Of all images, pixels.
        max_width: Of all images, pixels.
        min_height: Of all images, pixels.
        max_height: Of all images, pixels.
        source: Where it came from.
        domains: Of the stored target images, and of masks; written where there are any.
        synthetic: Whether the images were made up; written where they were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    name: str
    digest: str
    classes: list[str]
    images: int
    counts: dict[Split, dict[str, int]]
    groups: bool
    channels: list[int]
    min_width: int
    max_width: int
    min_height: int
    max_height: int
    source: ManifestSource
    domains: list[str] = Field([], exclude_if=lambda value: not value)
    synthetic: bool = Field(False, exclude_if=lambda value: not value)


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a stored data set.

    Args:
        folder: A folder that ``build_dataset`` wrote.

    Returns:
        The manifest; a file that is missing, damaged or of another schema is refused by InputError.
    """
    return read_json(folder / MANIFEST, Manifest, "dataset")


def class_order(labels: set[str]) -> list[str]:
    """Return class names in their order: by number where all are whole numbers, else by text."""
    if all(label.isascii() and label.isdigit() for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)
