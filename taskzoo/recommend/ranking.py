"""Ranking the sources of one target, with uncertainty, and abstaining when no source is resolved from none."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy import stats

from taskzoo.errors import InputError
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams

DRAWS = 20_000
Array = npt.NDArray[np.float64]


class Candidate(BaseModel):
    """One row of a ranking.

    Attributes:
        source: A task, or "no-transfer" for the shared initial state.
        values: The measure, one value a repeat.
        mean: Over repeats.
        low: Lower end of the 90 % interval of the mean, in the measure's unit.
        high: Upper end.
        probability_best: That this candidate is the closest of all, in [0, 1].
        probability_gain: That it is closer than no transfer, in [0, 1]; 0.5 for no transfer itself.
        weight: Share in narrowing the search, in [0, 1]; 0 where it is not recommended.
        others: Mean of every other measure, shown beside the one that ranks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    values: list[float]
    mean: float
    low: float
    high: float
    probability_best: float
    probability_gain: float
    weight: float = 0.0
    others: dict[str, float] = {}


class Recommendation(BaseModel):
    """The answer for one target.

    Attributes:
        target: The task that looks for a source.
        measure: What ranks.
        lower_is_closer: Direction of the measure.
        confidence: Probability of a gain that a recommended source needs.
        candidates: Closest first; no transfer stands among them.
        recommended: Sources to transfer from, closest first; empty when abstaining.
        reason: One sentence for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    measure: str
    lower_is_closer: bool
    confidence: float
    candidates: list[Candidate]
    recommended: list[str]
    reason: str

    def candidate(self, source: str) -> Candidate:
        """Return the row of ``source``."""
        return next(row for row in self.candidates if row.source == source)

    def sources(self) -> list[str]:
        """Return all sources, closest first, without no transfer."""
        return [row.source for row in self.candidates if row.source != NO_TRANSFER]

    def weights(self) -> dict[str, float]:
        """Return the recommended sources' shares, which sum to 1, or nothing when abstaining."""
        return {source: self.candidate(source).weight for source in self.recommended}


def rank(
    target: str,
    columns: Mapping[str, Mapping[str, Sequence[float]]],
    lower_is_closer: bool,
    params: RecommendParams,
    seed: int = 0,
) -> Recommendation:
    """Rank the sources of one target by ``params.measure``.

    Repeats are paired: repeat r of every source saw the same target images. So the model is source effect + repeat
    effect + noise, the noise variance is pooled over all sources (a handful of repeats is too few for one each),
    and probabilities come from draws of the source effects around their means with that variance (Student's t).

    Args:
        target: Name of the target.
        columns: Measure -> source -> one value a repeat; every column holds "no-transfer".
        lower_is_closer: Direction of ``params.measure``.
        params: Measure, confidence and how many sources may be recommended.
        seed: Of the draws.

    Returns:
        Ranking and recommendation; a column without a source, without no-transfer or with fewer than two repeats is
        refused by InputError.
    """
    column = {source: values for source, values in columns[params.measure].items() if source != target}
    _check(target, params.measure, column)
    names = sorted(column)
    values = np.array([column[name] for name in names], dtype=np.float64)
    closeness = -values if lower_is_closer else values
    effect, error, freedom = _effects(closeness)
    draws = effect[:, None] + error * np.random.default_rng(seed).standard_t(freedom, (len(names), DRAWS))
    best = np.bincount(draws.argmax(0), minlength=len(names)) / DRAWS
    nothing = names.index(NO_TRANSFER)
    gain = (draws > draws[nothing]).mean(1)
    half = float(stats.t.ppf(0.95, freedom)) * error
    order = np.argsort(-effect, kind="stable")
    chosen = [i for i in order if i != nothing and effect[i] > effect[nothing] and gain[i] >= params.confidence]
    chosen = chosen[: params.sources]
    shares = _shares(effect, chosen, nothing)
    others = {name: {m: float(np.mean(c[name])) for m, c in columns.items() if m != params.measure} for name in names}
    rows = [
        Candidate(
            source=names[i],
            values=values[i].tolist(),
            mean=float(values[i].mean()),
            low=float(values[i].mean() - half),
            high=float(values[i].mean() + half),
            probability_best=float(best[i]),
            probability_gain=0.5 if i == nothing else float(gain[i]),
            weight=shares.get(int(i), 0.0),
            others=others[names[i]],
        )
        for i in order
    ]
    return Recommendation(
        target=target,
        measure=params.measure,
        lower_is_closer=lower_is_closer,
        confidence=params.confidence,
        candidates=rows,
        recommended=[names[i] for i in chosen],
        reason=_reason(rows, bool(chosen), params.confidence),
    )


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


def _effects(closeness: Array) -> tuple[Array, float, int]:
    """Return source means, the standard error of one mean, and its degrees of freedom, for [sources, repeats]."""
    sources, repeats = closeness.shape
    effect = closeness.mean(1)
    residual = closeness - effect[:, None] - closeness.mean(0) + closeness.mean()
    freedom = (sources - 1) * (repeats - 1)
    variance = float((residual**2).sum()) / freedom
    return effect, float(np.sqrt(variance / repeats)), freedom


def _shares(effect: Array, chosen: Sequence[int], nothing: int) -> dict[int, float]:
    """Weigh the chosen sources by how much closer than no transfer they are."""
    gains = {int(i): float(effect[i] - effect[nothing]) for i in chosen}
    total = sum(gains.values())
    return {i: gain / total for i, gain in gains.items()}


def _reason(rows: Sequence[Candidate], accepted: bool, confidence: float) -> str:
    """Say in one sentence what is recommended and why."""
    first = next(row for row in rows if row.source != NO_TRANSFER)
    if accepted:
        return (
            f"{first.source} is closest and is closer than no transfer with probability "
            f"{first.probability_gain:.2f} (needed: {confidence:g})."
        )
    return (
        f"No source is recommended: the closest, {first.source}, is closer than no transfer only with probability "
        f"{first.probability_gain:.2f} (needed: {confidence:g})."
    )
