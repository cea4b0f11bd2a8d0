"""What the recommender risks when it answers, and what it forgoes when it abstains."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.transfer.metrics import POOLS, Array, Truth, inside
from benchmarks.transfer.recommender import Answers
from taskzoo.params import RecommendParams

THRESHOLD = RecommendParams().confidence
BINS = np.array([0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])  # Of probabilities, for the calibration.


@dataclass(frozen=True)
class Choices:
    """The best-scored source of every target and draw, in a pool.

    Attributes:
        probability: Of a gain, as the recommender says, [T, draws].
        gain: What it really gained, [T, draws].
        oracle: What the best of the pool gains, the initial state in it, [T].
    """

    probability: Array
    gain: Array
    oracle: Array

    def at(self, threshold: float) -> dict[str, float]:
        """Return what comes of answering from a probability on: 0 answers always, above 1 never.

        Returns:
            coverage: Share of answers; risk: share of negative transfer among them, NaN where there are none;
            gain: mean over all cases, abstaining gains nothing.
        """
        taken = self.probability >= threshold
        risk = float((self.gain[taken] < 0).mean()) if taken.any() else float("nan")
        return {"coverage": float(taken.mean()), "risk": risk, "gain": float(np.where(taken, self.gain, 0).mean())}

    def promised(self) -> tuple[float, float]:
        """Return the mean probability that is said of a gain, and the share of choices that are not worse than none."""
        return float(self.probability.mean()), float((self.gain >= 0).mean())

    def curve(self) -> tuple[Array, Array]:
        """Return coverage and risk as ever less probable gains are accepted."""
        order = np.argsort(-self.probability.ravel(), kind="stable")
        negative = self.gain.ravel()[order] < 0
        count = np.arange(1, len(order) + 1)
        return count / len(order), np.cumsum(negative) / count


def choices(truth: Truth, answers: Answers) -> Mapping[str, Choices]:
    """Return the recommender's first choices by pool."""
    out = {}
    for pool in POOLS:
        members = inside(truth, pool)[:, :-1]
        scores = np.where(members[..., None], answers.scores[:, :-1], -np.inf)
        first = scores.argmax(1)
        rows = np.arange(len(first))[:, None]
        draws = np.arange(first.shape[1])
        best = np.where(members, truth.gain[:, :-1], 0).max(1)
        out[pool] = Choices(answers.gains[rows, first, draws], truth.gain[rows, first], np.maximum(best, 0))
    return out


def calibration(truth: Truth, answers: Answers) -> list[tuple[float, float, int]]:
    """Return, for bins of said probability over all sources: its mean, the share that really gained, their number."""
    members = inside(truth, "all")[:, :-1]
    said = answers.gains[:, :-1][members].ravel()
    gained = np.repeat(truth.gain[:, :-1][members] > 0, answers.gains.shape[2])
    bins = np.digitize(said, BINS[1:-1])
    return [
        (float(said[bins == each].mean()), float(gained[bins == each].mean()), int((bins == each).sum()))
        for each in range(len(BINS) - 1)
        if (bins == each).any()
    ]
