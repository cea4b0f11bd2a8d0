"""Which sources' elites each arm of a target's search has."""

from functools import cache

import pandas as pd

from benchmarks.dense.measure import DISTANCES
from taskzoo.distance.catalogue import MEASURES
from taskzoo.distance.matrix import DistanceColumn, References
from taskzoo.params import RecommendParams, TargetName
from taskzoo.recommend.ranking import rank
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.recommend.transfer import arms

TARGETS: tuple[TargetName, ...] = ("normal", "edge_texture", "reshading")
SEEDS = 5
RECOMMEND = RecommendParams(confidence=0.8)  # By the default, 0.85, one of the targets would have no source.
ARMS = {
    "narrowed": "narrowed by the elites of the recommended sources",
    "full": "the whole space",
    "random": "narrowed by the elites of a random source but the first",
    "worst": "narrowed by the elites of the source that is ranked last",
    "source": "the best architecture of the recommended source, unchanged",
}
CONTROLS = {"random": "random", "worst": "farthest"}  # As the product's comparisons name them.


def sources(target: TargetName, arm: str, seed: int) -> dict[str, float]:
    """Return the sources that an arm uses, best first, with their weights, which sum to 1; none for the whole space."""
    if arm == "full":
        return {}
    found = ranking(target)
    if arm in CONTROLS:
        return {arms(found, seed)[CONTROLS[arm]]: 1.0}
    return found.weights()


@cache
def ranking(target: TargetName) -> Recommendation:
    """Rank the nine other tasks as the product does, nothing being on record.

    The score is ``ridge_loo`` and half of ``ftd_layerwise``: the likeness of the images counts nothing, since all tasks
    have the same, nor does the number of classes, since they have none. The committed table has no halves of the
    images, so that the noise is that of the repeats alone.

    Returns:
        The ranking, with the sources that are recommended and their weights.
    """
    table = pd.read_csv(DISTANCES)
    own = table[table["target"] == target]
    values: dict[str, dict[str, list[float]]] = {str(measure): {} for measure in own["measure"].unique()}
    for (measure, source), drawn in own.groupby(["measure", "source"], sort=False)["value"]:
        values[str(measure)][str(source)] = drawn.tolist()
    column = DistanceColumn(
        target=target,
        ranked_by=RECOMMEND.dense_measure,
        facts={name: MEASURES[name].facts() for name in values},
        values=values,
        halves={},
        references={name: References(itself=[], chance=[]) for name in values},
        classes={},
    )
    return rank(column, RECOMMEND)
