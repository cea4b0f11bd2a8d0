"""How different the images of two tasks look: to the initial state's network, and by their pixels."""

import math

from taskzoo.distance.appearance import unlikeness
from taskzoo.distance.protocol import Measure, Pair


def _of_features(pair: Pair) -> float:
    assert pair.source is not None
    return unlikeness(pair.source.features, pair.target.features)


def _of_pixels(pair: Pair) -> float:
    assert pair.source is not None
    return unlikeness(pair.source.pixels, pair.target.pixels)


UNLIKENESS = Measure(
    name="unlikeness",
    function=_of_features,
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"images"}),
    dense=True,
    range=(0.0, math.inf),
    source="maximum mean discrepancy, linear kernel on the initial state's features, no bias (Gretton et al. 2012)",
)

PIXEL_UNLIKENESS = Measure(
    name="pixel_unlikeness",
    function=_of_pixels,
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"images"}),
    dense=True,
    range=(0.0, math.inf),
    source="the same, on mean, contrast and roughness of the images' pixels",
)
