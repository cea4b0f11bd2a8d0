"""Fisher task distance of Le et al. over the whole network."""

import math

from taskzoo.distance.protocol import Measure
from taskzoo.distance.vectors import hellinger_squared, whole
from taskzoo.fisher.observation import Observation


def ftd(ab: Observation, bb: Observation) -> float:
    """Return the Hellinger distance of two Fisher diagonals, each of unit trace over the whole network.

    d = sqrt(1/2 sum_i (sqrt(f_i) - sqrt(g_i))^2), with f of the source's network and g of the target's own,
    both on the target's data: 0 for equal diagonals, 1 where no parameter matters to both.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance in [0, 1].
    """
    return math.sqrt(ftd_reference_squared(ab, bb))


def ftd_reference_squared(ab: Observation, bb: Observation) -> float:
    """Return the square of ``ftd``, which is what the authors' script prints as the distance."""
    return hellinger_squared(*whole(ab, bb))


FTD = Measure(
    name="ftd",
    function=lambda pair: ftd(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    dense=True,
    range=(0.0, 1.0),
    source="Le et al., Fisher task distance (arXiv 2103.12827): diagonal, whole-net unit trace, root form",
)

FTD_REFERENCE_SQUARED = Measure(
    name="ftd_reference_squared",
    function=lambda pair: ftd_reference_squared(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    dense=True,
    range=(0.0, 1.0),
    source="the script beside arXiv 2103.12827, which prints the distance without taking the root",
)
