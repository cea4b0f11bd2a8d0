"""A dense task: images and what to predict for every pixel or the whole image, as arrays of one size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion

from taskzoo.data.dense.domains import COMPUTED, DOMAINS, Domain
from taskzoo.data.dense.encodings import Mask, Values
from taskzoo.data.dense.files import Raw
from taskzoo.data.dense.recipes import Pixels
from taskzoo.data.dense.views import MASKS, encoding_of
from taskzoo.data.manifest import Manifest, load_manifest
from taskzoo.data.record import SPLITS, Split
from taskzoo.data.store import load_split
from taskzoo.data.tasks import InSplits, square_pixels
from taskzoo.errors import InputError
from taskzoo.files import digest_bytes, digest_json
from taskzoo.params import SizeParams, TaskParams

SHOWN = 3  # Channels of a constant target, for people.
SEED_DIGITS = 16  # hexadecimal digits of an image's digest that seed what is random in its target


@dataclass(frozen=True)
class DenseSplit:
    """Images and their targets.

    Attributes:
        images: uint8 [N, 3, S, S], what a network sees.
        targets: float32 [N, C, S, S], or [N, C, 1, 1] where the whole image has one; class numbers where the domain
            is categorical, or soft labels where it has as many channels as classes. Finite everywhere, of no meaning
            where not valid.
        valid: bool, the targets' shape with one channel; some of every image is.
    """

    images: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DenseTask(InSplits[DenseSplit]):
    """A dense task in memory.

    Attributes:
        name: The task.
        domain: What is predicted: channels, classes, likelihood.
        digest: SHA-256 over the data set's digest, the target, sizes, image size and seed; not the name.
        dataset_digest: The data set's.
        synthetic: Whether the images were made up.
        splits: Those that were asked for.
    """

    name: str
    domain: Domain
    digest: str
    dataset_digest: str
    synthetic: bool
    splits: Mapping[str, DenseSplit]


def shuffled(task: DenseTask) -> DenseTask:
    """Return a task whose targets are shuffled among the images of each split: alike, without meaning.

    Args:
        task: The task; it keeps its digest, since nothing else differs.

    Returns:
        The task that chance would make.
    """
    rng = np.random.default_rng(0)
    splits = {}
    for name, split in sorted(task.splits.items()):
        order = rng.permutation(len(split.images))
        splits[name] = replace(split, targets=split.targets[order], valid=split.valid[order])
    return replace(task, splits=splits)


def draw_views(split: DenseSplit, count: int, seed: int) -> DenseSplit:
    """Draw at most ``count`` images with their targets, in random order."""
    chosen = np.random.default_rng(seed).permutation(len(split.images))[:count]
    return DenseSplit(split.images[chosen], split.targets[chosen], split.valid[chosen])


def load_dense_task(
    name: str,
    params: TaskParams,
    folder: Path,
    sizes: SizeParams,
    image_size: int,
    seed: int,
    splits: Sequence[Split] = SPLITS,
) -> DenseTask:
    """Make a dense task of a stored data set.

    The target is the stored domain where the data set has it; else it is computed from the image.

    Args:
        name: The task.
        params: Its target.
        folder: The stored data set, of views or of any other images.
        sizes: At most how many images of each split.
        image_size: Pixels a side, S. Images are resized with antialiasing, targets and masks by the nearest pixel.
        seed: Of the choice among more images than ``sizes`` allows.
        splits: The splits to load.

    Returns:
        The task; images without a valid pixel are left out.

    Raises:
        InputError: If the data set neither holds the target nor can it be computed, no image of a split has a
            valid pixel, or the training targets are all the same.
    """
    manifest = load_manifest(folder)
    if params.target is None or params.target not in {*manifest.domains, *COMPUTED}:
        held = [domain for domain in manifest.domains if domain in DOMAINS]
        raise InputError(
            f"tasks.{name}.target is {params.target}, which the data set {manifest.name!r} does not hold; expected "
            f"{'one of ' + ', '.join(held) + ', or ' if held else ''}one that its images give ({', '.join(COMPUTED)}); "
            "choose one."
        )
    domain = DOMAINS[params.target]
    found: dict[str, DenseSplit] = {
        split: _load_split(name, folder, split, domain, manifest, getattr(sizes, split), image_size, seed)
        for split in splits
    }
    if "train" in found:
        _check_varies(name, domain, found["train"])
    return DenseTask(
        name=name,
        domain=domain,
        digest=digest_json([manifest.digest, domain.name, sizes.model_dump(), image_size, seed]),
        dataset_digest=manifest.digest,
        synthetic=manifest.synthetic,
        splits=found,
    )


def _load_split(
    name: str, folder: Path, split: Split, domain: Domain, manifest: Manifest, size: int, image_size: int, seed: int
) -> DenseSplit:
    files = _files(domain, manifest)
    table = load_split(folder, split, ["image", "digest", *files])
    keys = [digest_bytes(f"{seed}:{digest}".encode()) for digest in table["digest"].to_pylist()]
    images, targets, masks = [], [], []
    for row in _rows(table, np.argsort(np.array(keys), kind="stable")):
        if any(row[file] is None for file in files):
            continue
        image = np.ascontiguousarray(square_pixels(row["image"]["bytes"], image_size).transpose(1, 2, 0))
        if files:
            where = f"{folder / f'{split}.parquet'}, {row['image']['path']}"
            target, valid = _stored(domain, {file: row[file] for file in files}, image_size, where)
        else:
            image, target, valid = _computed(domain, image, row["digest"])
        if valid.any():
            images.append(image.transpose(2, 0, 1))
            targets.append(target.astype(np.float32))
            masks.append(valid)
        if len(images) == size:
            break
    if not images:
        raise InputError(
            f"the target {domain.name} of the task {name!r} has no valid pixel in any of the {len(table):,} images of "
            f"{split}; expected some that are not masked; use other views, or another target."
        )
    return DenseSplit(np.stack(images), np.stack(targets), np.stack(masks))


def _files(domain: Domain, manifest: Manifest) -> list[str]:
    """Return the columns that the target is made of; none where the image gives it."""
    if domain.name not in manifest.domains:
        return []
    masks = [mask for mask in MASKS if mask in manifest.domains] if domain.by_depth else []
    return list(dict.fromkeys([domain.name, *masks]))


def _rows(table: Any, order: npt.NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    # One by one: the files of a whole split may not fit in memory.
    for number in order:
        (row,) = table.slice(int(number), 1).to_pylist()
        yield row


def _stored(domain: Domain, contents: Mapping[str, bytes], image_size: int, where: str) -> tuple[Values, Mask]:
    """Return target [C, S, S] and validity [1, S, S] of a view's files, with 1 for S where they tell of the whole."""
    encoding = encoding_of(domain.name)
    side = 1 if encoding.whole else image_size
    seen = np.ones((side, side), dtype=bool)
    raws = {}
    for file, content in contents.items():
        form = encoding_of(file)
        raws[file] = _nearest(form.read(content, f"{where} {file}"), side)
        seen &= form.valid(raws[file])
    values = np.where(seen, encoding.decode(raws[domain.name]), 0)
    # Beside a hole of the mesh a value may be of what lies behind it.
    valid = binary_erosion(seen, np.ones((3, 3), bool), border_value=1) if domain.by_depth else seen
    return domain.scale(values), valid[None]


def _nearest(raw: Raw, image_size: int) -> Raw:
    rows, columns = (((np.arange(image_size) + 0.5) * side / image_size).astype(np.int64) for side in raw.shape[:2])
    return np.asarray(raw[rows[:, None], columns])


def _computed(domain: Domain, image: Pixels, digest: str) -> tuple[Pixels, Values, Mask]:
    assert domain.recipe is not None
    example = domain.recipe(image, int(digest[:SEED_DIGITS], 16))
    return example.image, example.target, np.full((1, *example.target.shape[1:]), example.valid)


def _check_varies(name: str, domain: Domain, split: DenseSplit) -> None:
    values = np.moveaxis(split.targets, 1, -1)[split.valid[:, 0]]
    if (values == values[:1]).all():
        shown = ", ".join(f"{each:g}" for each in values[0, :SHOWN]) + (", ..." if domain.channels > SHOWN else "")
        raise InputError(
            f"the target {domain.name} of the task {name!r} is {shown} in every valid pixel of train; expected one "
            "that varies; use other images, or another target."
        )
