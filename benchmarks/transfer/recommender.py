"""What the recommender makes of the measures: the score that orders sources, and the probability of a gain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.transfer.metrics import Array, Truth
from benchmarks.transfer.settings import zoo
from taskzoo.recommend.belief import Belief
from taskzoo.recommend.experience import PastTransfer, source_effects
from taskzoo.recommend.gain import GainModel, gain_model, headroom, wider

DEFAULT, WITHOUT = "recommender", "recommender_without_experience"
MEASURE, LOOKS, CLASSES = "fisher_kernel", ("likeness", "pixel_likeness"), "class_count"
PARTS = (WITHOUT,)  # Of the default: no rivals of it.
NOTHING = Belief(
    level=0.0, slope=0.2, width=0.0, noise=1.0, spread=0.04, targets=1.0
)  # The product's belief was measured on these transfers.


@dataclass(frozen=True)
class Answers:
    """The recommender's answers.

    Attributes:
        scores: Higher is better, [T, S, draws]; the initial state's is the score at which a gain is expected of a
            source that tells as many classes apart as the target.
        gains: Probability that a source beats the initial state, [T, S, draws]; NaN for the initial state itself.
    """

    scores: Array
    gains: Array


def recommenders(truth: Truth, known: Mapping[str, Array], belief: Belief) -> dict[str, Answers]:
    """Return the recommender's answers, with and without what other transfers say of each source.

    Args:
        truth: Gives the transfers on record: those of other targets, none of the same data set as the target.
        known: Scores of measures and controls.
        belief: The product's for the probe: the weights of measures beside the Fisher kernel, and whether it counts
            how much is left to be gained.

    Returns:
        By name: the sum of the Fisher kernel's evidence, counted from the initial state's, the likeness of the images,
        by features and by pixels, the measures beside it and the logarithm of the number of classes, each in standard
        deviations over the target's sources and weighed as in the product; and the same with the sources' effects on
        other targets. Nothing where a part is missing.
    """
    if not _complete(known, belief):
        return {}
    score = own_score(truth, known, belief.beside)
    wide, rooms = widths(truth, known[CLASSES]), headrooms(known, belief, score)
    experienced = score + experience(truth, score)[..., None]
    return {name: learned(truth, each, wide, rooms) for name, each in ((WITHOUT, score), (DEFAULT, experienced))}


def first_day(truth: Truth, known: Mapping[str, Array], belief: Belief) -> dict[str, Answers]:
    """Return the answers of the product as it comes, with no transfer on record: for targets that it never saw.

    Args:
        truth: Says which sources each target has; nothing is learned from it.
        known: Scores of measures and controls.
        belief: The product's for the probe.

    Returns:
        The default's; nothing where a part is missing.
    """
    if not _complete(known, belief):
        return {}
    score = own_score(truth, known, belief.beside)
    models = [gain_model((), target, belief) for target in truth.targets]
    return {DEFAULT: answers(score, widths(truth, known[CLASSES]), headrooms(known, belief, score), models)}


def _complete(known: Mapping[str, Array], belief: Belief) -> bool:
    """Tell whether every part of the score was measured."""
    return {MEASURE, *belief.beside, *LOOKS, CLASSES} <= set(known)


def own_score(truth: Truth, known: Mapping[str, Array], beside: Mapping[str, float]) -> Array:
    """Return all of the score but experience, [T, S, draws]."""
    evidence = standardised(truth, known[MEASURE])
    others = np.sum([weight * standardised(truth, known[name]) for name, weight in beside.items()], axis=0)
    others[:, -1] = 0.0  # As the product counts it: from no transfer by the measure alone.
    return np.asarray(evidence - evidence[:, -1:] + others + without_network(truth, known)[..., : evidence.shape[2]])


def without_network(truth: Truth, known: Mapping[str, Array]) -> Array:
    """Return the parts of the score that no network has to be run for, [T, S, draws]."""
    looks = np.sum([standardised(truth, known[name]) for name in LOOKS], axis=0)
    return np.asarray(looks + standardised(truth, np.log(known[CLASSES])))


def coarse_scores(truth: Truth, known: Mapping[str, Array]) -> Array:
    """Return what a shortlist is made by: those parts, and what other transfers say of each source."""
    score = without_network(truth, known)
    return np.asarray(score + experience(truth, score)[..., None])


def standardised(truth: Truth, values: Array) -> Array:
    """Return values in standard deviations from the mean, both over the trained sources of each target and draw."""
    trained = np.where(np.isfinite(truth.mean)[..., None], values, np.nan)
    trained[:, -1] = np.nan
    mean, spread = np.nanmean(trained, axis=1, keepdims=True), np.nanstd(trained, axis=1, keepdims=True)
    return np.asarray((values - mean) / np.where(spread > 0, spread, 1))


def widths(truth: Truth, counts: Array) -> Array:
    """Return how much wider the trained sources' tasks are than each target's, [T, S - 1], from ``class_count``."""
    classes = np.fmax.reduce(counts, axis=(0, 2))[:-1]  # Nothing is its own source, so its entry is NaN there.
    return np.stack([wider(classes, classes[truth.sources.index(target)]) for target in truth.targets])


def headrooms(known: Mapping[str, Array], belief: Belief, score: Array) -> Array:
    """Return how much of each target the initial state leaves to be gained, [T, draws]."""
    rooms = np.ones((len(score), score.shape[2]))
    if belief.explained:
        for place in np.ndindex(rooms.shape):
            rooms[place] = headroom(known[belief.explained][place[0], -1, place[1]])
    return rooms


def learned(truth: Truth, score: Array, wide: Array, rooms: Array) -> Answers:
    """Return the answers of a model of gains that learned from the targets of other data sets alone."""
    models = [
        gain_model(record(truth, score, target, wide, rooms.mean(1)), target, NOTHING) for target in truth.targets
    ]
    return answers(score, wide, rooms, models)


def answers(score: Array, wide: Array, rooms: Array, models: Sequence[GainModel]) -> Answers:
    """Return scores [T, S, draws] with the one at which a gain is expected, and the probabilities of gains.

    Args:
        score: Of every source, [T, S, draws].
        wide: How much wider sources' tasks are than the target's, [T, S - 1].
        rooms: How much the initial state leaves to be gained, [T, draws].
        models: Of gains, one a target.

    Returns:
        The answers.
    """
    scores, gains = score.copy(), np.full(score.shape, np.nan)
    for row, model in enumerate(models):
        scores[row, -1] = -model.mean[0] / (max(model.mean[1], 1e-9) * rooms[row])
        for draw in range(score.shape[2]):
            gains[row, :-1, draw] = model.probability(score[row, :-1, draw], wide[row], 0.0, rooms[row, draw])
    return Answers(scores, gains)


def experience(truth: Truth, score: Array) -> Array:
    """Return what the transfers onto targets of other data sets say of each source, [T, S]; 0 for the initial state."""
    out = np.zeros(truth.mean.shape)
    for row, target in enumerate(truth.targets):
        effects = source_effects(record(truth, score, target, np.zeros(score.shape[:2]), np.ones(len(score))), target)
        out[row, :-1] = [effects.get(source, 0.0) for source in truth.sources[:-1]]
    return out


def record(truth: Truth, score: Array, target: str, wide: Array, rooms: Array) -> list[PastTransfer]:
    """Return all transfers onto targets of other data sets than a target's, as if they were on record."""
    own = zoo().tasks[target].dataset
    return [each for each in transfers(truth, score, wide, rooms) if each.dataset != own]


def transfers(truth: Truth, score: Array, wide: Array, rooms: Array) -> list[PastTransfer]:
    """Return all transfers as a registry would record them; scores [T, S, draws] count by their mean over draws."""
    tasks, told, gain = zoo().tasks, score.mean(axis=2), truth.gain
    return [
        PastTransfer(
            target=other,
            source=source,
            score=float(told[i, j]),
            gain=float(gain[i, j]),
            dataset=tasks[other].dataset,
            wider=float(wide[i, j]),
            headroom=float(rooms[i]),
        )
        for i, other in enumerate(truth.targets)
        for j, source in enumerate(truth.sources[:-1])
        if source != other
    ]
