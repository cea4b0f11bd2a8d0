"""What the recommender makes of the measures: the score that orders sources, with and without experience."""

from collections.abc import Mapping

import numpy as np

from benchmarks.transfer.metrics import Array, Truth
from benchmarks.transfer.settings import zoo
from taskzoo.recommend.experience import PastTransfer, source_effects

DEFAULT, WITHOUT = "recommender", "recommender_without_experience"
SUMMED = ("fisher_kernel", "likeness", "pixel_likeness")
PARTS = (WITHOUT,)  # Of the default: no rivals of it.


def recommenders(truth: Truth, known: Mapping[str, Array]) -> dict[str, Array]:
    """Return the recommender's scores [T, S, draws], higher is better.

    Args:
        truth: Gives the transfers on record: those of other targets, none of the same data set as the target.
        known: Scores of measures and controls.

    Returns:
        The sum of the Fisher kernel's evidence and the likeness of the images, by features and by pixels, each in
        standard deviations over the target's sources; and the same with the sources' effects on other targets.
        Nothing where a part is missing.
    """
    if not {*SUMMED} <= set(known):
        return {}
    draws = known[SUMMED[0]].shape[2]
    score = np.sum([standardised(truth, known[name][..., :draws]) for name in SUMMED], axis=0)
    return {WITHOUT: score, DEFAULT: score + experience(truth, score)[..., None]}


def standardised(truth: Truth, values: Array) -> Array:
    """Return values of mean 0 and spread 1 over the trained sources of each target and draw."""
    trained = np.where(np.isfinite(truth.mean)[..., None], values, np.nan)
    trained[:, -1] = np.nan
    mean, spread = np.nanmean(trained, axis=1, keepdims=True), np.nanstd(trained, axis=1, keepdims=True)
    return np.asarray((trained - mean) / np.where(spread > 0, spread, 1))


def experience(truth: Truth, score: Array) -> Array:
    """Return what the transfers onto targets of other data sets say of each source, [T, S]; 0 for the initial state."""
    tasks = zoo().tasks
    told, gain = score.mean(axis=2), truth.gain
    out = np.zeros(truth.mean.shape)
    for row, target in enumerate(truth.targets):
        past = [
            PastTransfer(target=other, source=source, score=float(told[i, j]), gain=float(gain[i, j]))
            for i, other in enumerate(truth.targets)
            if tasks[other].dataset != tasks[target].dataset
            for j, source in enumerate(truth.sources[:-1])
            if source != other
        ]
        effects = source_effects(past, target)
        out[row, :-1] = [effects.get(source, 0.0) for source in truth.sources[:-1]]
    return out
