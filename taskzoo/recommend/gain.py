"""How likely a source is to beat no transfer, by what transfers on record gained at scores like its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from taskzoo.params import ProbeParams
from taskzoo.recommend.experience import PastTransfer, by_other_targets, spread

SCORES = 9.0  # Mean square of scores, which gives the slope's prior its weight.
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Belief:
    """What is thought of gains before any transfer is on record.

    Attributes:
        level: Gain at score 0, in spreads.
        slope: Gain that one unit of score is worth, in spreads.
        noise: Standard deviation of gains around that, in spreads.
        spread: Standard deviation of test accuracies over the sources of a target, in [0, 1].
        targets: As many as this counts for.
    """

    level: float
    slope: float
    noise: float
    spread: float
    targets: float = 5.0


# Measured by benchmarks/transfer, ten images a class, as of one target a data set.
RANDOM = Belief(level=0.49, slope=0.22, noise=0.86, spread=0.026)
PRETRAINED = Belief(level=-0.21, slope=0.17, noise=1.08, spread=0.034)


def usual(probe: ProbeParams) -> Belief:
    """Return what is thought of a probe's gains beforehand: pretrained weights are harder to beat than random ones."""
    return PRETRAINED if probe.weights else RANDOM


@dataclass(frozen=True)
class GainModel:
    """Gain = level + slope score + noise, known as well as the transfers on record tell: Bayesian linear regression.

    Attributes:
        mean: Of level and slope, [2].
        precision: Of both, in units of the noise's, [2, 2].
        shape: Of the inverse gamma distribution of the noise's variance.
        rate: Likewise.
        spread: Of gains within a target, in [0, 1]: their unit in all of the above.
    """

    mean: Array
    precision: Array
    shape: float
    rate: float
    spread: float

    def expected(self, scores: Array) -> Array:
        """Return the expected gain in test accuracy at scores [S]."""
        return _rows(scores) @ self.mean * self.spread

    def probability(self, scores: Array, error: float) -> Array:
        """Return the probability that a source gains, for scores [S] of a standard error: Student's t, predictive."""
        rows = _rows(scores)
        doubt = 1 + np.einsum("si,ij,sj->s", rows, np.linalg.inv(self.precision), rows)
        scale = np.sqrt(self.rate / self.shape * doubt + (self.mean[1] * error) ** 2)
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
    prior = np.array([belief.level, belief.slope])
    start = belief.targets * np.diag([1.0, SCORES])
    shape, rate = belief.targets / 2, belief.targets / 2 * belief.noise**2
    groups = by_other_targets(past, target)
    unit = spread(groups)
    if not unit:
        return GainModel(prior, start, shape, rate, belief.spread)
    rows = _rows(np.array([each.score for group in groups for each in group]))
    gains = np.array([each.gain for group in groups for each in group]) / unit
    weights = np.array([1 / len(group) for group in groups for _ in group])
    precision = start + (rows.T * weights) @ rows
    mean = np.linalg.solve(precision, start @ prior + (rows.T * weights) @ gains)
    squares = weights @ gains**2 + prior @ start @ prior - mean @ precision @ mean
    return GainModel(mean, precision, shape + len(groups) / 2, rate + float(squares) / 2, unit)


def _rows(scores: Array) -> Array:
    """Return [S, 2]: ones and scores."""
    return np.stack([np.ones_like(scores), scores], axis=1)
