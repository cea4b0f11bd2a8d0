"""Which split an image belongs to: by content, so that it never moves when others come or go."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from taskzoo.data.record import SPLITS, Split
from taskzoo.errors import InputError
from taskzoo.files import digest_bytes
from taskzoo.params import SplitParams

DIGITS = 13  # hexadecimal digits of a hash that a float holds exactly


def position(key: str) -> float:
    """Return where a group or image stands in [0, 1): uniform, and the same for ever."""
    return int(digest_bytes(key.encode())[:DIGITS], 16) / float(16**DIGITS)


def split_keys(digests: Sequence[str], groups: Sequence[str | None]) -> list[str]:
    """Return what decides each image's split: images that must stay together share a key.

    Copies of an image stay together, and so do the groups that hold them, so that splits share no image.

    Args:
        digests: Of the images.
        groups: Of the images; None where unknown.

    Returns:
        The smallest group of those linked by copies, or the image's digest where it has no group.
    """
    own = np.array([group or digest for digest, group in zip(digests, groups, strict=True)])
    names, left = np.unique(own, return_inverse=True)
    images, right = np.unique(np.array(digests), return_inverse=True)
    nodes = len(names) + len(images)
    links = coo_array((np.ones(len(own)), (left, right + len(names))), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    smallest: dict[int, str] = {}
    for name, number in zip(names, component[: len(names)], strict=True):
        smallest.setdefault(int(number), str(name))  # names are sorted: the first is the smallest
    return [smallest[int(number)] for number in component[left]]


def assign(named: Split | None, key: str, present: Collection[Split], params: SplitParams) -> Split:
    """Choose the split of an image.

    Args:
        named: The split that its source names.
        key: Its key among ``split_keys``.
        present: The splits that the source names for any image; the others are carved out of train.
        params: Shares of val and test.

    Returns:
        The split.
    """
    if named in {"val", "test"}:
        return named
    place = position(key)
    if place < params.test:
        return "train" if "test" in present else "test"
    if place < params.test + params.val:
        return "train" if "val" in present else "val"
    return "train"


def check_classes(name: str, pairs: Iterable[tuple[Split, str]], classes: list[str]) -> None:
    """Refuse a data set whose classes are not all in all splits.

    Args:
        name: The data set, for messages.
        pairs: Split and class of every image.
        classes: All classes.

    Raises:
        InputError: If there are fewer than two classes, or a class is absent from a split.
    """
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no images"
        raise InputError(f"the data set {name!r} has {found}; expected at least two classes; add images of another.")
    counts = Counter(pairs)
    for split in SPLITS:
        for label in classes:
            if counts[split, label]:
                continue
            where = [each for each in SPLITS if counts[each, label]]
            raise InputError(
                f"the class {label!r} of the data set {name!r} is in {' and '.join(where)} but not in "
                f"{split}; expected every class in train, val and test; add images or groups of it, remove "
                "the class, or change split."
            )
