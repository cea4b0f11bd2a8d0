"""How far measured distances agree with published ones."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Array = npt.NDArray[np.float64]
BOOTSTRAPS = 2000


def cube(table: pd.DataFrame, tasks: Sequence[str], column: str) -> Array:
    """Bring rows of seed, source and target into an array.

    Args:
        table: With those columns; rows of other tasks are left out.
        tasks: In the wanted order.
        column: Of the values.

    Returns:
        [seeds, S, T]: seeds that have all pairs only, in order; 0 from a task to itself, as published.
    """
    size = len(tasks)
    wide = table.pivot_table(index="seed", columns=["source", "target"], values=column)
    wide = wide.reindex(columns=pd.MultiIndex.from_product([tasks, tasks]))
    values = wide.to_numpy(dtype=np.float64, copy=True).reshape(-1, size, size)
    values[:, np.arange(size), np.arange(size)] = 0
    return np.asarray(values[np.isfinite(values).all((1, 2))])


def nearest(matrix: Array) -> list[int]:
    """Return the nearest source of each target, which is the least of its column, itself left out."""
    others = np.where(np.eye(len(matrix), dtype=bool), np.inf, matrix)
    return [int(row) for row in others.argmin(0)]


def agreeing(matrix: Array, wanted: Sequence[int]) -> list[bool]:
    """Tell for each target whether its nearest source is the wanted one."""
    return [one == other for one, other in zip(nearest(matrix), wanted, strict=True)]


def seed_shares(values: Array, wanted: Sequence[int]) -> list[float]:
    """Return for each target the share of seeds [seeds, S, T] whose nearest source is the wanted one."""
    return [float(share) for share in np.mean([agreeing(one, wanted) for one in values], axis=0)]


def rank_correlation(first: Array, second: Array) -> float:
    """Return Spearman's correlation of two matrices' cells off the diagonal."""
    return float(_correlations(_cells(first)[None], _cells(second))[0])


def correlation_interval(values: Array, published: Array) -> tuple[float, float]:
    """Return the 90 % bootstrap interval, over seeds, of the mean's rank correlation with a published matrix."""
    draws = np.random.default_rng(0).integers(len(values), size=(BOOTSTRAPS, len(values)))
    cells = np.array([_cells(one) for one in values])
    low, high = np.quantile(_correlations(cells[draws].mean(1), _cells(published)), [0.05, 0.95])
    return float(low), float(high)


def _cells(matrix: Array) -> Array:
    return np.asarray(matrix[~np.eye(len(matrix), dtype=bool)])


def _correlations(many: Array, one: Array) -> Array:
    """Return Spearman's correlation of each row with one vector, ties sharing their mean rank."""
    ranks, wanted = stats.rankdata(many, axis=1), stats.rankdata(one)
    ranks, wanted = ranks - ranks.mean(1, keepdims=True), wanted - wanted.mean()
    return np.asarray(ranks @ wanted / np.sqrt((ranks**2).sum(1) * (wanted**2).sum()))
