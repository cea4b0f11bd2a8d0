"""A coarse ranking of very many sources, from what a tag keeps of each: which of them are worth measuring."""

import numpy as np
import numpy.typing as npt

from taskzoo.distance.appearance import Appearance, Sketches, read_sketches, sketch
from taskzoo.recommend.ranking import breadth
from taskzoo.recommend.units import standardised

Array = npt.NDArray[np.float64]


def coarse_ranking(sketches: Sketches, target: Appearance, effects: Array) -> npt.NDArray[np.int64]:
    """Order sources by all of their score that no network has to be run for.

    How alike the images look, by features and by pixels, and the number of classes, each in standard deviations over
    the sources and weighed as in ``rank``; and the experience.

    Args:
        sketches: Of n sources.
        target: The target.
        effects: How much better than its score each source has been for other targets, [n].

    Returns:
        Indices of the sources, best first.
    """
    own = read_sketches([sketch(target)])
    unlike = (
        np.linalg.norm(sketches.features - own.features, axis=1),
        np.linalg.norm(sketches.pixels - own.pixels, axis=1),
    )
    score = breadth(sketches.classes) - sum(standardised(each) for each in unlike) + effects
    return np.argsort(-score, kind="stable")
