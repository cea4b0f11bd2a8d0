"""Log-determinant distance of LD-NAS."""

import math

import numpy as np

from taskzoo.distance.protocol import Measure
from taskzoo.distance.vectors import whole
from taskzoo.fisher.observation import Observation

SHARE = 1e-6  # s^2 as a share of the mean of both diagonals.


def logdet(ab: Observation, bb: Observation) -> float:
    """Return |mean_i log((f_i + s^2) / (g_i + s^2))|.

    The paper leaves s open, and the value depends on it. Here s^2 is a fixed share of the mean of all entries
    of f and g, so that scaling both Fishers alike (another unit of the loss) changes nothing. Zero does not
    mean equal Fishers, only equal determinants.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance, 0 or more.
    """
    f, g = whole(ab, bb)
    floor = SHARE * (f.mean() + g.mean()) / 2
    return abs(float((np.log(f + floor) - np.log(g + floor)).mean()))


LOGDET = Measure(
    name="logdet",
    function=lambda pair: logdet(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    dense=True,
    range=(0.0, math.inf),
    source="Le et al., LD-NAS (arXiv 2103.00241): log-determinants of F + s^2 I per parameter",
)
