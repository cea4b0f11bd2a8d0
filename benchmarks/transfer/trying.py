"""The yardstick: a chooser who fine-tuned from every source on half of the draws and read the test set.

It is judged by the other half, each half in turn. It shows how hard a goal is at this noise, and is no bound: half of
the draws are few, and a measure may order the sources better than they do.
"""

import numpy as np
from scipy import stats

from benchmarks.transfer.abstention import Choices
from benchmarks.transfer.ceilings import perfect_regrets
from benchmarks.transfer.metrics import Array, Truth, halves, inside, regrets, weighted_taus


def ahead(truth: Truth, scores: Array) -> Array:
    """Return by how much the chooser's tau is above a measure's over all sources, [T].

    Args:
        truth: At least two draws.
        scores: [T, S, draws], higher is better.
    """
    pool = inside(truth, "all")
    apart = [
        weighted_taus(judge.mean, tried.mean[..., None], pool) - weighted_taus(judge.mean, scores, pool)
        for tried, judge in halves(truth)
    ]
    return np.asarray(np.mean(apart, axis=0))


def excess(truth: Truth, scores: Array | None = None) -> float:
    """Return by how much the regret over all sources is above a perfect chooser's, by the judging halves.

    Args:
        truth: At least four draws.
        scores: Of a measure, [T, S, draws]; without, the regret is the chooser's.

    Returns:
        In accuracy, a mean over targets; below 0 by noise alone.
    """
    pool = inside(truth, "all")
    found = [
        regrets(judge.mean, tried.mean[..., None] if scores is None else scores, pool) - perfect_regrets(judge, pool)
        for tried, judge in halves(truth)
    ]
    return float(np.mean(found))


def choices(truth: Truth, pool: str) -> Choices:
    """Return the source that did best when tried, with the probability of a gain that a t-test on the trials gives.

    Args:
        truth: At least four draws.
        pool: Of sources.

    Returns:
        One column each way. The noise of a gain is pooled over the sources of a target.
    """
    members = inside(truth, pool)[:, :-1]
    said, held = [], []
    for tried, judge in halves(truth):
        gains = tried.values[:, :-1] - tried.values[:, -1:]
        draws = gains.shape[2]
        noise = np.sqrt(np.nanmean(gains.var(axis=2, ddof=1), axis=1) / draws)
        first = np.where(members, tried.gain[:, :-1], -np.inf).argmax(1)
        rows = np.arange(len(first))
        told = np.divide(tried.gain[rows, first], noise, out=np.zeros(len(first)), where=noise > 0)
        said.append(stats.t.cdf(told, draws - 1))
        held.append(judge.gain[rows, first])
    best = np.where(members, truth.gain[:, :-1], 0).max(1)
    return Choices(np.stack(said, axis=1), np.stack(held, axis=1), np.maximum(best, 0))
