"""How likely a source is to beat no transfer, by what transfers on record gained where things were alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from taskzoo.recommend.belief import Belief
from taskzoo.recommend.experience import PastTransfer, by_other_targets, spread

LEAST = 0.02  # Headroom: few images may seem to be explained whole.
WIDEST = 5.0  # Times as many classes; more has not been seen in benchmarks/transfer, and counts no more.
Array = npt.NDArray[np.float64]


def wider(classes: Array, target: float) -> Array:
    """Return how much wider than the target's sources' tasks are: the logarithm of the ratio of their classes.

    A network that was trained to tell a few of many classes apart may have lost what the others need.

    Args:
        classes: Of the sources, [S]; 0 where there are none (numbers, or not known).
        target: Of the target; 0 likewise.

    Returns:
        [S], at most the logarithm of WIDEST in size; 0 where there are no classes.
    """
    known = (classes > 0) & (target > 0)
    ratio = np.where(known, classes, 1) / np.where(known, target, 1)
    return np.asarray(np.log(np.clip(ratio, 1 / WIDEST, WIDEST)))


def headroom(explained: float) -> float:
    """Return how much of a target the initial state leaves to be gained.

    Args:
        explained: Share of the labels' variance that its features explain of images left out; may be below 0.

    Returns:
        The rest, from LEAST to 1.
    """
    return float(np.clip(1 - explained, LEAST, 1))


@dataclass(frozen=True)
class GainModel:
    """Gain = level + headroom (slope score + width wider) + noise, as the transfers on record tell.

    A Bayesian linear regression. What a source is better or worse for, counts by how much of the target the initial
    state leaves to be gained: where it leaves nothing, no score promises anything.

    Attributes:
        mean: Of the three coefficients, [3].
        precision: Of them, in units of the noise's, [3, 3].
        shape: Of the inverse gamma distribution of the noise's variance.
        rate: Likewise.
        spread: Of gains within a target, in [0, 1]: their unit in all of the above.
    """

    mean: Array
    precision: Array
    shape: float
    rate: float
    spread: float

    def expected(self, scores: Array, widths: Array, headroom: float = 1.0) -> Array:
        """Return the expected gain in test accuracy at scores [S] of sources that are so much wider [S]."""
        return _rows(scores, widths, headroom) @ self.mean * self.spread

    def probability(self, scores: Array, widths: Array, error: float, headroom: float = 1.0) -> Array:
        """Return the probability that a source gains: Student's t, predictive.

        Args:
            scores: [S].
            widths: How much wider the sources are, [S].
            error: Standard error of the scores.
            headroom: Of the target, in (0, 1].

        Returns:
            [S].
        """
        rows = _rows(scores, widths, headroom)
        doubt = 1 + np.einsum("si,ij,sj->s", rows, np.linalg.inv(self.precision), rows)
        scale = np.sqrt(self.rate / self.shape * doubt + (self.mean[1] * headroom * error) ** 2)
        return np.asarray(stats.t.cdf(rows @ self.mean / scale, 2 * self.shape))


def gain_model(past: Sequence[PastTransfer], target: str, belief: Belief) -> GainModel:
    """Return what transfers on record teach of gains.

    A target counts once, however many transfers onto it are on record: they share its images, its test set and its
    initial accuracy. Conjugate: the belief is a normal inverse gamma distribution, and so is what comes out.

    Args:
        past: All transfers on record; those of the target itself are not looked at, since its test images judge.
        target: The task that is to be advised.
        belief: Before any.

    Returns:
        The model; the belief itself where nothing is on record.
    """
    prior = np.array([belief.level, belief.slope, belief.width])
    start = belief.targets * np.diag([1.0, belief.scores, belief.widths])
    shape, rate = belief.targets / 2, belief.targets / 2 * belief.noise**2
    groups = by_other_targets(past, target)
    unit = spread(groups)
    if not unit:
        return GainModel(prior, start, shape, rate, belief.spread)
    scores, widths, rooms, gains = (
        np.array([getattr(each, what) for group in groups for each in group])
        for what in ("score", "wider", "headroom", "gain")
    )
    rows, gains = _rows(scores, widths, rooms), gains / unit
    weights = np.array([1 / len(group) for group in groups for _ in group])
    precision = start + (rows.T * weights) @ rows
    mean = np.linalg.solve(precision, start @ prior + (rows.T * weights) @ gains)
    squares = weights @ gains**2 + prior @ start @ prior - mean @ precision @ mean
    return GainModel(mean, precision, shape + len(groups) / 2, rate + float(squares) / 2, unit)


def _rows(scores: Array, widths: Array, headroom: float | Array) -> Array:
    """Return [S, 3]: ones, scores and how much wider the sources are, these two by the headroom."""
    return np.stack([np.ones_like(scores), headroom * scores, headroom * widths], axis=1)
