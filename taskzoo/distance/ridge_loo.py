"""How well a ridge regression on the source's features predicts labels it has not seen."""

import math

from taskzoo.distance.kernel_regression import loo_r2
from taskzoo.distance.protocol import Measure
from taskzoo.distance.transferability.arrays import centred
from taskzoo.fisher.observation import Observation


def ridge_loo(ab: Observation, bb: Observation) -> float:
    """Return the leave-one-out R^2 of ridge regression from the source's features to what the target asks.

    That is one-hot classes, or numbers.

    The value of the best penalty on a grid. ``bb`` is not used: the measure asks nothing of the
    target's own network.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The share of variance explained, 1 at most; higher is closer.
    """
    features = centred(ab.features.double().numpy())
    return float(loo_r2(features @ features.T, ab.responses).max())


RIDGE_LOO = Measure(
    name="ridge_loo",
    function=lambda pair: ridge_loo(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=False,
    needs=frozenset({"features", "labels"}),
    dense=True,
    range=(-math.inf, 1.0),
    source="leave-one-out of a linear smoother (Allen's PRESS) on centred responses",
)
