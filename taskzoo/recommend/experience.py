"""What the transfers on record say of a source beyond its score: some starting points are good for many targets."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

# Measured by benchmarks/transfer (small probe, ten images a class), with the target's whole data set left out.
SLOPE = 0.19  # Standardised gain that one unit of score is worth.
PRIOR = 10.0  # Transfers a source's effect is shrunk by, at least: variance it does not explain, over that it does.
Rest = tuple[str, float]  # Data set of a target, and how much better than its score a source was there.


class PastTransfer(BaseModel):
    """A fine-tuning that was run and recorded.

    Attributes:
        target: The task that was learned.
        source: The registered task whose network was fine-tuned.
        score: Of the source when it was recommended; 0 is no transfer's.
        gain: Test accuracy less that from the initial state, mean over draws, in [-1, 1].
        dataset: Of the target; empty where the record does not tell: then the target counts as its own.
        wider: How much wider the source's task is, as ``gain.wider`` counts it.
        headroom: How much of the target the initial state left to be gained, in (0, 1].
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    source: str
    score: float
    gain: float
    dataset: str = ""
    wider: float = 0.0
    headroom: float = 1.0


def source_effects(past: Sequence[PastTransfer], target: str) -> dict[str, float]:
    """Return how much better than its score each source has been, in units of the score.

    Within a target, gain = SLOPE score + source effect + noise, all from their means over the target's transfers and
    the gain in its spread over all of them. A source's effect is the mean of what is left, shrunk towards none as if
    so many more transfers had shown none: the posterior mean under normal effects. How many follows from what sources
    have kept from one data set to another, and is PRIOR at least.

    Args:
        past: All transfers on record; those of the target itself are not looked at, since its test images judge.
        target: The task that is to be advised.

    Returns:
        By source, of those on record; nothing where sources have kept nothing.
    """
    groups = by_other_targets(past, target)
    unit = spread(groups)
    if not unit:
        return {}
    left: dict[str, list[Rest]] = {}
    for group in groups:
        gains, scores = (np.array([getattr(each, what) for each in group]) for what in ("gain", "score"))
        rest = (gains - gains.mean()) / unit - SLOPE * (scores - scores.mean())
        for each, value in zip(group, rest, strict=True):
            left.setdefault(each.source, []).append((each.dataset or each.target, float(value)))
    more = shrinkage(left)
    if math.isinf(more):
        return {}
    return {
        source: sum(value for _, value in rests) / (len(rests) + more) / SLOPE for source, rests in sorted(left.items())
    }


def shrinkage(left: Mapping[str, Sequence[Rest]]) -> float:
    """Return how many transfers without effect each source's are joined by: the variance that is not its, over its.

    The variance of the sources' effects is estimated by the mean product of two rests of one source on targets of
    different data sets (the method of moments): what it has on tasks of one data set alone helps no new one. It counts
    as far as it is sure: less one standard error, by leaving out one data set after the other (the jackknife).

    Args:
        left: Rests by source.

    Returns:
        PRIOR at least, and where nothing is known; infinite where nothing is kept.
    """
    rests = [(source, dataset, value) for source, own in left.items() for dataset, value in own]
    table = pd.DataFrame(rests, columns=["source", "dataset", "value"])
    cells = table.groupby(["source", "dataset"])["value"].agg(["sum", "count"])
    # Of every source and data set: products, and their number, with the source's rests on the other data sets.
    others = cells * (cells.groupby("source").transform("sum") - cells)
    product, pairs = others.sum()
    if not pairs:
        return PRIOR
    without = others.sum() - 2 * others.groupby("dataset").sum()
    without = without[without["count"] > 0]
    sure = product / pairs - _jackknife_error((without["sum"] / without["count"]).to_numpy())
    return max(PRIOR, float(table["value"].pow(2).mean()) / sure - 1) if sure > 0 else math.inf


def _jackknife_error(values: npt.NDArray[np.float64]) -> float:
    """Return the standard error of an estimate from its values without one part each; 0 where there are none."""
    return float(np.sqrt((len(values) - 1) * values.var())) if len(values) else 0.0


def by_other_targets(past: Sequence[PastTransfer], target: str) -> list[list[PastTransfer]]:
    """Return the transfers on record target by target, of those with at least two and without ``target``."""
    found: dict[str, list[PastTransfer]] = {}
    for each in past:
        if each.target != target:
            found.setdefault(each.target, []).append(each)
    return [group for group in found.values() if len(group) > 1]


def spread(groups: Sequence[Sequence[PastTransfer]]) -> float:
    """Return the standard deviation of gains within targets, pooled over them; 0 where there is none."""
    apart = [np.array([each.gain for each in group]) - np.mean([each.gain for each in group]) for group in groups]
    freedom = sum(len(each) - 1 for each in apart)
    return float(np.sqrt(sum(float(each @ each) for each in apart) / freedom)) if freedom else 0.0
