"""How far the order of sources agrees with Taskonomy's affinities, target by target.

Arrays have a row a target and a column a source, [T, S], in the order of ``TASKS``; higher is nearer. A target is no
source of itself, so that the diagonal is never read.
"""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from benchmarks.dense.settings import GEOMETRY, HERE, TASKS

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@cache
def affinities() -> Array:
    """Return Taskonomy's first-order affinities in 1e-4: ranks within a row are all that they say.

    StanfordVL/taskonomy, results/affinities/all_affinities.pkl, full data. Below about 1 the order is noise.
    """
    return _read(HERE / "affinities.csv")


@cache
def published() -> Array:
    """Return minus the distances of the Fisher task distance paper's figure, read off it to about 0.015."""
    return -_read(HERE / "published.csv")


def _read(path: Path) -> Array:
    table = pd.read_csv(path, index_col="target")
    return table.loc[list(TASKS), list(TASKS)].to_numpy(np.float64)


def same_block() -> Mask:
    """Tell which sources are of the target's kind: geometry, or the image's own edges, keypoints and pixels."""
    geometric = np.array([name in GEOMETRY for name in TASKS])
    return np.asarray(geometric[:, None] == geometric)


def best_sources(nearness: Array) -> Mask:
    """Tell which sources are the nearest of each target; several where they tie."""
    others = np.where(_itself(nearness), -np.inf, nearness)
    return np.asarray(others == others.max(1, keepdims=True))


def row_correlations(nearness: Array, wanted: Array) -> Array:
    """Return Spearman's correlation of the other sources of each target, [T]; 0 where all of them tie."""
    out = np.zeros(len(nearness))
    for row, keep in enumerate(~_itself(nearness)):
        if np.ptp(nearness[row, keep]) > 0:
            out[row] = stats.spearmanr(nearness[row, keep], wanted[row, keep]).statistic
    return out


def source_ranks(nearness: Array) -> Array:
    """Return the rank of each source for each target, 1 the nearest, NaN for the target itself, [T, S]."""
    out = np.full(nearness.shape, np.nan)
    for row, keep in enumerate(~_itself(nearness)):
        out[row, keep] = stats.rankdata(-nearness[row, keep])
    return out


def target_blind(nearness: Array) -> Array:
    """Return minus the mean rank of each source for the other targets: what an order says without its target."""
    ranks = source_ranks(nearness)
    return -np.array([np.nanmean(np.delete(ranks, row, axis=0), axis=0) for row in range(len(ranks))])


def nearest_among(nearness: Array, wanted: Mask) -> Array:
    """Return for each target the chance that its nearest source is a wanted one, [T]; ties are broken by lot."""
    nearest = best_sources(nearness)
    return np.asarray((nearest & wanted).sum(1) / nearest.sum(1))


def by_chance(wanted: Mask) -> Array:
    """Return for each target the chance that a source taken by lot is a wanted one, [T]."""
    return nearest_among(np.zeros(wanted.shape), wanted)


def _itself(matrix: Array) -> Mask:
    return np.eye(len(matrix), dtype=bool)
