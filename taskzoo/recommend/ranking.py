"""Ranking the sources of one target, with uncertainty, and abstaining when none is likely to beat no transfer."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from taskzoo.distance.matrix import DistanceColumn
from taskzoo.errors import InputError
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.belief import RANDOM, Belief
from taskzoo.recommend.experience import PastTransfer, source_effects
from taskzoo.recommend.gain import gain_model, headroom, wider
from taskzoo.recommend.recommendation import Candidate, Recommendation, Start
from taskzoo.recommend.units import centre_and_spread, standardised

LOOKS = ("unlikeness", "pixel_unlikeness")
DRAWS = 20_000
WITHIN = 0.25  # Sources whose probability of being best is at least this share of the greatest are within noise of it.
Array = npt.NDArray[np.float64]


def rank(
    column: DistanceColumn,
    params: RecommendParams,
    past: Sequence[PastTransfer] = (),
    belief: Belief = RANDOM,
    seed: int = 0,
) -> Recommendation:
    """Rank the sources of one target by its measure, by how alike the images look, and by what else helps.

    The labels say how well a source's network tells the classes apart, the images how far its domain is, the Fisher
    distance how much its network would have to change, and a source that had to tell many classes apart learned
    features of wider use: each errs in its own way. So a source's score is the sum of the measure, of the images'
    likeness, to the initial state's network and by their pixels, of the layerwise Fisher distance, of the labels' fit
    by the features alone (``ridge_loo``, from pretrained weights ``lfc``, too), and of the logarithm of the number of
    its classes, each in standard deviations over the target's sources, the likeness with the weight
    ``params.likeness``, Fisher distance and fit with those of ``belief``; and of how much better than its score the
    source has been for other targets. It is counted from no transfer's score, which is the measure's alone: the initial
    state has neither images nor classes.

    How probable a gain is at a score, from a source that tells so many more or fewer classes apart than the target,
    where pretrained weights leave so much to be gained, transfers on record say; the measure's own gap does not: from
    pretrained weights a source may explain the labels better than the initial state and yet learn worse.

    Everything is paired: every source saw the same images of a repeat, and the same halves of them. So the model is
    source effect + draw effect + noise; the noise variance is pooled over the sources (a handful of repeats is too
    few for one each), and probabilities come from draws of the source effects around their means with it (Student's
    t). A value on half of the images varies about as much as one on all of them would over fresh images (the
    delete-half jackknife, Shao and Wu 1989), so that a repeat counts once, however many halves it has.

    Args:
        column: The target's distances, no transfer among them.
        params: Weight of the likeness, confidence, and how many sources may be recommended.
        past: Transfers on record; none counts that was onto this target.
        belief: Of transfers, before any is on record.
        seed: Of the draws.

    Returns:
        Ranking and recommendation; a column without a source, without no-transfer or with fewer than two repeats is
        refused by InputError.
    """
    names, values, replicates = _cells(column, column.ranked_by)
    lower = column.facts[column.ranked_by].lower_is_closer
    closeness = (-1 if lower else 1) * values.mean(1)
    error, freedom = _noise(replicates)
    known = source_effects(past, column.target)
    effects = np.array([known.get(name, 0.0) for name in names[:-1]])
    weights = _weights(column, {**dict.fromkeys(LOOKS, params.likeness), **belief.beside})
    score, noise = _scored(column, weights, names, closeness, error)
    score += effects
    draws = score[:, None] + noise * np.random.default_rng(seed).standard_t(freedom, (len(score), DRAWS))
    best = np.bincount(draws.argmax(0), minlength=len(score)) / DRAWS
    model = gain_model(past, column.target, belief)
    widths = wider(_classes(column, names[:-1]), column.classes.get(column.target, 0))
    room = _headroom(column, belief)
    gain, expected = model.probability(score, widths, noise, room), model.expected(score, widths, room)

    order = [int(i) for i in np.argsort(-score, kind="stable")]
    chosen = [i for i in order if gain[i] >= params.confidence][: params.sources]
    total = sum(float(expected[i]) for i in chosen)
    half = float(stats.t.ppf(0.95, freedom)) * error
    rows = [
        Candidate(
            source=names[i],
            score=float(score[i]),
            experience=float(effects[i]),
            values=values[i].tolist(),
            mean=float(values[i].mean()),
            low=float(values[i].mean() - half),
            high=float(values[i].mean() + half),
            probability_best=float(best[i]),
            probability_gain=float(gain[i]),
            expected_gain=float(expected[i]),
            weight=float(expected[i]) / total if i in chosen else 0.0,
            classes=column.classes.get(names[i]),
            wider=float(widths[i]),
            others=_others(column, names[i], column.ranked_by),
        )
        for i in order
    ]
    start = float(values[-1].mean())
    recommended = [names[i] for i in chosen]
    return Recommendation(
        target=column.target,
        measure=column.ranked_by,
        likeness=params.likeness,
        beside=weights,
        lower_is_closer=lower,
        confidence=params.confidence,
        headroom=room,
        candidates=rows,
        start=Start(values=values[-1].tolist(), mean=start, low=start - half, high=start + half),
        references=column.references[column.ranked_by],
        recommended=recommended,
        within_noise=[row.source for row in rows if row.probability_best >= WITHIN * max(best)],
        reason=_reason(rows, recommended, params.confidence) + _solved(room),
    )


def _cells(column: DistanceColumn, measure: str) -> tuple[list[str], Array, Array]:
    """Return the sources, no transfer last, their values [S, repeats], and those on halves [S, repeats, halves]."""
    measured = {source: values for source, values in column.values[measure].items() if source != column.target}
    _check(column.target, measure, measured)
    names = [*sorted(name for name in measured if name != NO_TRANSFER), NO_TRANSFER]
    values = np.array([measured[name] for name in names], dtype=np.float64)
    halves = column.halves.get(measure)
    if halves is None:
        return names, values, values[..., None]
    return names, values, np.array([halves[name] for name in names], dtype=np.float64)


def _check(target: str, measure: str, column: Mapping[str, Sequence[float]]) -> None:
    """Refuse a column that cannot be ranked."""
    if NO_TRANSFER not in column or len(column) < 2:
        raise InputError(
            f"the {measure} column of {target!r} holds {sorted(column)}; expected no-transfer and at least one source; "
            "register another task of the same probe first."
        )
    repeats = {len(values) for values in column.values()}
    if len(repeats) != 1 or min(repeats) < 2:
        raise InputError(
            f"the {measure} column of {target!r} has {sorted(repeats)} repeats; expected the same number, at least 2, "
            "for every source; run the distances stage again."
        )


def _noise(replicates: Array) -> tuple[float, int]:
    """Return the standard error of a source's mean over repeats, and its degrees of freedom.

    Args:
        replicates: [sources, repeats, halves].

    Returns:
        One error for all sources.
    """
    sources, repeats, halves = replicates.shape
    flat = replicates.reshape(sources, -1)
    residual = flat - flat.mean(1, keepdims=True) - flat.mean(0) + flat.mean()
    freedom = max(sources - 1, 1) * (repeats * halves - 1)
    return float(np.sqrt((residual**2).sum() / freedom / repeats)), freedom


def _weights(column: DistanceColumn, wanted: Mapping[str, float]) -> dict[str, float]:
    """Return the weights above 0 of measures that were measured, and do not rank: what ranks counts once."""
    known = {name: weight for name, weight in wanted.items() if name in column.values and name != column.ranked_by}
    return {name: weight for name, weight in known.items() if weight}


def _scored(
    column: DistanceColumn, weights: Mapping[str, float], names: Sequence[str], closeness: Array, error: float
) -> tuple[Array, float]:
    """Return each source's score above no transfer's, by all but experience, and its error."""
    _, spread = centre_and_spread(closeness[:-1])
    beside, their_noise = _beside(column, names[:-1], weights)
    above = (closeness[:-1] - closeness[-1]) / spread
    return above + beside + breadth(_classes(column, names[:-1])), float(np.hypot(error / spread, their_noise))


def _headroom(column: DistanceColumn, belief: Belief) -> float:
    """Return how much of the target the initial state leaves to be gained; 1 where that does not count."""
    if belief.explained not in column.values:
        return 1.0
    return headroom(float(np.mean(column.values[belief.explained][NO_TRANSFER])))


def _classes(column: DistanceColumn, names: Sequence[str]) -> Array:
    """Return how many classes each source tells apart; 0 where there are none."""
    return np.array([column.classes.get(name, 0) for name in names], dtype=np.float64)


def breadth(classes: Array) -> Array:
    """Return the logarithm of numbers of classes, standardised; 0 where there are none (a source of numbers)."""
    known = classes > 0
    if not known.any():
        return np.zeros(len(classes))
    logarithms = np.log(np.where(known, classes, 1))
    return standardised(np.where(known, logarithms, logarithms[known].mean()))


def _beside(column: DistanceColumn, names: Sequence[str], weights: Mapping[str, float]) -> tuple[Array, float]:
    """Return the weighed closeness of each source by measures that do not rank, and its error.

    Args:
        column: The target's distances.
        names: Of the sources.
        weights: Of measures.

    Returns:
        Sums over the measures, each in standard deviations over the sources.
    """
    total, error = np.zeros(len(names)), 0.0
    for name in weights:
        apart = np.array([column.values[name][source] for source in names], dtype=np.float64)
        noise = _noise(apart[..., None])[0] / centre_and_spread(apart.mean(1))[1]
        sign = -1 if column.facts[name].lower_is_closer else 1
        total += sign * weights[name] * standardised(apart.mean(1))
        error = float(np.hypot(error, weights[name] * noise))
    return total, error


def _others(column: DistanceColumn, source: str, measure: str) -> dict[str, float]:
    """Return the means of the measures that do not rank."""
    return {
        name: float(np.mean(values[source]))
        for name, values in column.values.items()
        if name != measure and source in values
    }


def _reason(rows: Sequence[Candidate], recommended: Sequence[str], confidence: float) -> str:
    """Say in one sentence what is recommended and why."""
    first = rows[0]
    if recommended:
        row = next(row for row in rows if row.source == recommended[0])
        return (
            f"{row.source} is recommended: it beats no transfer with probability {row.probability_gain:.2f} "
            f"(needed: {confidence:g}; expected: {100 * row.expected_gain:+.1f} points), and is the best source with "
            f"probability {row.probability_best:.2f}."
        )
    return (
        f"No source is recommended: the best, {first.source}, beats no transfer only with probability "
        f"{first.probability_gain:.2f} (needed: {confidence:g}; expected: {100 * first.expected_gain:+.1f} points)."
    )


def _solved(room: float) -> str:
    """Say in one sentence how much of the target is solved before any transfer, where that counts."""
    return "" if room == 1 else f" Without a transfer {1 - room:.0%} of the labels' variance is explained already."
