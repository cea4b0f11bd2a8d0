"""How many images a distance between two Fishers needs: an interval around it, narrowing as images stream by.

No interval knows of images that have not come: where few images carry most of a Fisher, as the wrongly classified ones
of a sure network do, blocks weigh unlike, and nothing is called resolved.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.fisher.check import Diagonal
from taskzoo.fisher.engine import Engine, Targets
from taskzoo.fisher.evaluation import ready
from taskzoo.fisher.jackknife import Block, Blocks, Distance, Point
from taskzoo.likelihood import Categorical, Likelihood

FEWEST = 12  # Blocks that an interval is made of: fewer stop too early, by a spread that is small by chance.


@dataclass(frozen=True)
class Resolution:
    """How a distance became known.

    Attributes:
        points: Ever more images; the last is the result.
        resolved: Whether the last interval's half-width is below the tolerance, with blocks that weigh alike.
    """

    points: tuple[Point, ...]
    resolved: bool


def track(batches: Iterable[Block], distance: Distance, tolerance: float, confidence: float = 0.95) -> Resolution:
    """Add batches until the distance is known to a tolerance.

    Args:
        batches: Sums of each batch, images in random order.
        distance: Of two diagonals, at least 0.
        tolerance: Half the width of the interval that is narrow enough.
        confidence: Of the interval, in (0, 1).

    Returns:
        A point for each completed block, from ``FEWEST`` blocks on, up to the first that settles the distance; where
        none does, a last one of all images.

    Raises:
        InputError: If there are fewer batches than ``FEWEST``, or tolerance or confidence are no such numbers.
    """
    if not (tolerance > 0 and 0 < confidence < 1):
        raise InputError(
            f"tolerance is {tolerance} and confidence {confidence}; expected a positive one and one between 0 and 1; "
            "correct them."
        )
    blocks, points = Blocks(), list[Point]()
    for batch in batches:
        blocks.add(batch)
        if blocks.whole and len(blocks.blocks) >= FEWEST:
            points.append(blocks.point(distance, confidence))
            if points[-1].settles(tolerance):
                return Resolution(tuple(points), True)
    if blocks.batches < FEWEST:
        raise InputError(
            f"data holds {blocks.batches} batches; expected at least {FEWEST}, whose spread tells how well the "
            "distance is known; give smaller batches or more images."
        )
    if not points or points[-1].images < blocks.images:
        points.append(blocks.point(distance, confidence))
    return Resolution(tuple(points), points[-1].settles(tolerance))


def resolve_distance(
    first: nn.Module,
    second: nn.Module,
    data: Iterable[tuple[Tensor, Tensor]],
    distance: Distance,
    tolerance: float,
    *,
    confidence: float = 0.95,
    likelihood: Likelihood | None = None,
    labels: Literal["data", "expected"] = "data",
    parameters: Collection[str] | None = None,
) -> Resolution:
    """Take two networks' Fishers on the same images until their distance is known to a tolerance.

    The interval is of the distance that endless images of the same kind would give. Memory holds ``MOST`` sums of
    each network, however many images there are. Networks whose parameters differ are refused, with what ``track``
    refuses.

    Args:
        first: Maps inputs [N, ...] to outputs.
        second: Of the same architecture.
        data: Batches of inputs [N, ...] and targets [N, ...], images in random order.
        distance: Of the first's and the second's diagonal, at least 0.
        tolerance: Half the width of the interval that is narrow enough.
        confidence: Of the interval, in (0, 1).
        likelihood: Of the outputs; class labels under logits [N, K] where left out.
        labels: The data's, or every class at its probability, which needs fewer images and a backward pass a class.
        parameters: Names of the parameters compared; all of the first's that require a gradient where left out.

    Returns:
        The distance after ever more images, and whether it was resolved.
    """
    names = _common(first, second, parameters)
    likelihood = Categorical() if likelihood is None else likelihood
    with ready(first, names), ready(second, names):
        sums = _batches((first, second), names, likelihood, labels == "expected", data)
        return track(sums, distance, tolerance, confidence)


def _batches(
    models: Sequence[nn.Module],
    names: list[str],
    likelihood: Likelihood,
    expected: bool,
    data: Iterable[tuple[Tensor, Tensor]],
) -> Iterator[Block]:
    """Yield the sums of each batch, on the CPU."""
    engines: list[Engine] = []
    devices = [next(model.parameters()).device for model in models]
    for inputs, targets in data:
        if not len(inputs):
            continue
        if not engines:
            pairs = zip(models, devices, strict=True)
            engines = [Engine(model, names, likelihood, inputs.to(device)) for model, device in pairs]
        sums = [
            _sums(engine, inputs.to(device), None if expected else targets.to(device))
            for engine, device in zip(engines, devices, strict=True)
        ]
        yield Block(sums, len(inputs))


def _sums(engine: Engine, inputs: Tensor, targets: Tensor | None) -> Diagonal:
    """Return one network's sums, with all targets there can be where none are given."""

    def choose(outputs: Tensor) -> Targets:
        return list(engine.likelihood.outcomes(outputs)) if targets is None else [(targets, None)]

    sums = engine.sums(inputs, choose)
    return {name: value.cpu() for name, value in sums.items()}


def _common(first: nn.Module, second: nn.Module, parameters: Collection[str] | None) -> list[str]:
    """Return the names to compare, in the first network's order.

    Raises:
        InputError: If one of them is not, or not in the same shape, in both.
    """
    ours, theirs = dict(first.named_parameters()), dict(second.named_parameters())
    if parameters is None:
        parameters = [name for name, value in ours.items() if value.requires_grad]
    for name in parameters:
        if name not in ours or name not in theirs or ours[name].shape != theirs[name].shape:
            raise InputError(
                f"the parameter {name!r} is not of the same shape in both networks; expected one architecture; "
                "correct parameters, or build both networks alike."
            )
    return [name for name in ours if name in set(parameters)]
