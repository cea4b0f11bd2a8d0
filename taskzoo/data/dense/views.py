"""What a source of views hands over: an image with its target files, read when asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from taskzoo.data.dense.domains import DOMAINS
from taskzoo.data.dense.encodings import MESH, Encoding
from taskzoo.data.record import Split

RGB = "rgb"
MASK = "mask_valid"
# Files that say where a view has no geometry.
MASKS = ("depth_zbuffer", MASK)


@dataclass(frozen=True)
class View:
    """One image and what is known of its every pixel.

    Attributes:
        path: Names the view inside its source.
        group: The building or room, which stays in one split.
        split: The split that the source itself puts it in; None where it names none.
        read: Gives the content of its files by domain, ``rgb`` among them; without those that it lacks.
    """

    path: str
    group: str
    split: Split | None
    read: Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True)
class Views:
    """All views of a data set.

    Attributes:
        format: How they are read.
        domains: What every view has, without ``rgb``; those of the whole image may be lacking.
        synthetic: Whether they were made up.
        views: In the order in which they are stored.
    """

    format: str
    domains: tuple[str, ...]
    synthetic: bool
    views: Sequence[View]


def encoding_of(domain: str) -> Encoding:
    """Return the form of a stored domain's files."""
    found = MESH if domain == MASK else DOMAINS[domain].encoding
    assert found is not None, f"{domain} has no files"
    return found
