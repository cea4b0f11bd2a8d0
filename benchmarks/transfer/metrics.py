"""How well scores order the sources of targets, and what following them costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from benchmarks.transfer.settings import Setting, zoo
from taskzoo.fisher.pairs import NO_TRANSFER

Array = npt.NDArray[np.float64]
POOLS = ("all", "other")
BOOTSTRAPS = 2000
ORDERS = 50  # In which sources that tie are taken: the order of a list must not decide.


@dataclass(frozen=True)
class Truth:
    """Accuracies [T, S, draws] of targets and sources; the last source is the initial state; NaN where there is none.

    Attributes:
        targets: Names.
        sources: Names, ``no-transfer`` last.
        values: Accuracies.
    """

    targets: list[str]
    sources: list[str]
    values: Array

    @property
    def mean(self) -> Array:
        """Over draws, [T, S]."""
        return np.asarray(self.values.mean(2))

    @property
    def gain(self) -> Array:
        """Mean accuracy less that of the initial state, [T, S]."""
        return self.mean - self.mean[:, -1:]


def cube(table: pd.DataFrame, column: str, setting: Setting) -> Truth:
    """Bring rows of target, source and draw into an array; targets without all sources and draws are left out."""
    names, sources = list(setting.targets), [*setting.sources, NO_TRANSFER]
    wide = table.pivot_table(index=["target", "source"], columns="draw", values=column)
    wide = wide.reindex(pd.MultiIndex.from_product([names, sources]))
    values = wide.to_numpy(dtype=np.float64, copy=True).reshape(len(names), len(sources), -1)
    own = np.array([[source == target for source in sources] for target in names])
    values[own] = np.nan
    complete = [i for i in range(len(names)) if np.isfinite(values[i, ~own[i]]).all()]
    return Truth([names[i] for i in complete], sources, values[complete])


def halves(truth: Truth) -> list[tuple[Truth, Truth]]:
    """Return one half of the draws and the other, both ways round.

    Halves are of equal size and of different trainings of the sources; a draw may be left over.

    Args:
        truth: At least two draws.
    """
    half = truth.values.shape[2] // 2
    first, second = (Truth(truth.targets, truth.sources, truth.values[..., part : 2 * half : 2]) for part in (0, 1))
    return [(first, second), (second, first)]


def inside(truth: Truth, pool: str) -> npt.NDArray[np.bool_]:
    """Tell which sources are in the pool of each target, [T, S]; the initial state always is."""
    tasks = zoo().tasks
    out = np.ones((len(truth.targets), len(truth.sources)), dtype=bool)
    for row, target in enumerate(truth.targets):
        for column, source in enumerate(truth.sources[:-1]):
            same = tasks[source].dataset == tasks[target].dataset
            out[row, column] = source != target and (pool == "all" or not same)
    return out


def weighted_taus(truth: Array, scores: Array, pool: npt.NDArray[np.bool_]) -> Array:
    """Return the weighted Kendall tau of each target over the trained sources of its pool, the mean over draws.

    Args:
        truth: [T, S].
        scores: [T, S, draws], higher is better.
        pool: [T, S].

    Returns:
        [T]; 0 where all scores are equal.
    """
    out = np.zeros(len(truth))
    for row in range(len(truth)):
        keep = pool[row].copy()
        keep[-1] = False
        taus = [weighted_tau(scores[row, keep, draw], truth[row, keep]) for draw in range(scores.shape[2])]
        out[row] = np.mean(taus)
    return out


def weighted_tau(score: Array, truth: Array) -> float:
    """Return the weighted Kendall tau of one target's scores; 0 where all are equal, or one is not finite."""
    if not np.isfinite(score).all() or np.ptp(score) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(stats.weightedtau(score, truth).statistic)


def regrets(truth: Array, scores: Array, pool: npt.NDArray[np.bool_], among: int = 1) -> Array:
    """Return how much accuracy is lost by taking the best-scored, or the best of the ``among`` best-scored, [T].

    The pool holds the initial state where the measure scores it, which is where its column is finite.
    """
    taken = _best_taken(truth, scores, pool, among)
    return np.asarray(np.where(pool, truth, -np.inf).max(1) - taken.mean((1, 2)))


def not_worse(truth: Array, scores: Array, pool: npt.NDArray[np.bool_]) -> Array:
    """Return the share of draws in which the best-scored trained source is not worse than the initial state, [T]."""
    trained = pool.copy()
    trained[:, -1] = False
    return np.asarray((_best_taken(truth, scores, trained, 1) >= truth[:, -1, None, None]).mean((1, 2)))


def _best_taken(truth: Array, scores: Array, pool: npt.NDArray[np.bool_], among: int) -> Array:
    """Return the accuracy of the best of the best-scored, [T, draws, ORDERS]: sources that tie come in random order."""
    rng = np.random.default_rng(0)
    out = np.empty((len(truth), scores.shape[2], ORDERS))
    for row, draw in np.ndindex(out.shape[:2]):
        score = scores[row, :, draw]
        members = np.flatnonzero(pool[row] & np.isfinite(score))
        tied = len(np.unique(score[members])) < len(members)
        for order in range(ORDERS if tied else 1):
            mixed = rng.permutation(members)
            chosen = mixed[np.argsort(-score[mixed], kind="stable")[:among]]
            out[row, draw, order if tied else slice(None)] = truth[row, chosen].max()
    return out


def residual(values: Array) -> Array:
    """Return [T, S] less its target and source effects, with the cells of a target itself missing."""
    left = values.copy()
    for _ in range(100):
        left -= np.nanmean(left, axis=1, keepdims=True)
        left -= np.nanmean(left, axis=0, keepdims=True)
    return left


def interval(values: Array, seed: int = 0) -> tuple[float, float]:
    """Return the 90 % bootstrap interval of a mean over targets."""
    draws = np.random.default_rng(seed).integers(len(values), size=(BOOTSTRAPS, len(values)))
    low, high = np.quantile(values[draws].mean(1), [0.05, 0.95])
    return float(low), float(high)


def summary(truth: Truth, scores: Array) -> Mapping[str, Array]:
    """Return a measure's figures, one value a target, by name and pool."""
    out = {}
    for pool in POOLS:
        members = inside(truth, pool)
        out[f"tau_{pool}"] = weighted_taus(truth.mean, scores, members)
        out[f"regret_{pool}"] = regrets(truth.mean, scores, members)
        out[f"regret3_{pool}"] = regrets(truth.mean, scores, members, 3)
        out[f"not_worse_{pool}"] = not_worse(truth.mean, scores, members)
    return out
