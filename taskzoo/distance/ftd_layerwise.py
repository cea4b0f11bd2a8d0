"""Fisher task distance with every tensor weighing the same."""

import math

from taskzoo.distance.protocol import Measure
from taskzoo.distance.vectors import hellinger_squared, paired, whole
from taskzoo.fisher.observation import Observation

NEGLIGIBLE = 1e-12  # Mean entry of a tensor, as a share of the network's: below it there is only rounding.


def ftd_layerwise(ab: Observation, bb: Observation) -> float:
    """Return the mean over tensors of the Hellinger distance, each tensor scaled to unit trace.

    A tensor with a negligible Fisher in both networks (a bias before a softmax has none) is left out; in one
    of them, it counts 1.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance in [0, 1].
    """
    floors = [NEGLIGIBLE * one.mean() for one in whole(ab, bb)]
    distances = []
    for f, g in paired(ab, bb):
        alive = (f.mean() > floors[0], g.mean() > floors[1])
        if all(alive):
            distances.append(math.sqrt(hellinger_squared(f, g)))
        elif any(alive):
            distances.append(1.0)
    return sum(distances) / len(distances)


FTD_LAYERWISE = Measure(
    name="ftd_layerwise",
    function=lambda pair: ftd_layerwise(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    dense=True,
    range=(0.0, 1.0),
    source="arXiv 2103.12827 with unit trace per tensor in place of the network: our variant",
)
