"""Figures of every measure and control, for a probe and a regime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.transfer import ablation, controls, costs, cross_validated, penalties, scores
from benchmarks.transfer import truth as transfers
from benchmarks.transfer.ceilings import ceilings
from benchmarks.transfer.costs import Costs
from benchmarks.transfer.measures import NAMES
from benchmarks.transfer.metrics import Truth, cube, inside, interval, residual, summary, weighted_taus
from benchmarks.transfer.recommender import DEFAULT, MEASURE, Answers, first_day, recommenders
from benchmarks.transfer.settings import PROBES, REGIMES, SEEN, settings
from taskzoo.recommend.belief import usual

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """What came out for a probe and a regime.

    Attributes:
        setting: The probe.
        regime: How targets learned.
        truth: What really transferred.
        figures: By measure and figure, one value a target.
        scores: By measure, [T, S, draws]; higher is better.
        ceilings: By figure.
        costs: None where they were not measured.
        answers: The recommender's, None where a part of it was not measured.
        variants: Figures of what the Fisher kernel could be instead; empty where they were not measured.
        penalised: Figures of the Fisher kernel at fixed penalties, likewise.
    """

    setting: str
    regime: str
    truth: Truth
    figures: dict[str, dict[str, Array]]
    ceilings: dict[str, float]
    costs: Costs | None = None
    answers: Answers | None = None
    variants: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    penalised: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    scores: Mapping[str, Array] = field(default_factory=dict)


def evaluations() -> list[Evaluation]:
    """Return the figures so far of all probes and regimes; those of unseen data sets come last."""
    unseen = [name for name in settings() if name not in PROBES]
    found = [evaluate(setting, regime) for names in (PROBES, unseen) for regime in REGIMES for setting in names]
    return [each for each in found if each is not None]


def evaluate(setting: str, regime: str) -> Evaluation | None:
    """Return the figures so far; None where no target has all its sources."""
    truth, known = known_scores(setting, regime)
    if not truth.targets:
        return None
    advise = recommenders if setting in PROBES else first_day
    found = advise(truth, known, usual(settings()[setting].probe))
    known |= {name: answers.scores for name, answers in found.items()}
    figures = {}
    for name, values in known.items():
        figures[name] = {**summary(truth, values), "tau_residual": _residual_tau(truth, values)}
    costs_of = costs.read(setting, regime)
    variants = _columns(_whole_draws(ablation.table(setting, regime)), ablation.COLUMNS[4:], truth)
    penalised = _penalised(setting, SEEN[regime], truth, known)
    return Evaluation(
        setting,
        regime,
        truth,
        figures,
        ceilings(truth),
        costs_of,
        found.get(DEFAULT),
        {name: summary(truth, values) for name, values in variants.items()},
        {name: summary(truth, values) for name, values in penalised.items()},
        known,
    )


def known_scores(setting: str, regime: str) -> tuple[Truth, dict[str, Array]]:
    """Return what really transferred, and the scores [T, S, draws] of every measure and control."""
    found = transfers.table(setting, regime)
    if found.empty:
        return Truth([], [], np.empty((0, 0, 0))), {}
    truth = cube(_whole_draws(found), "accuracy", settings()[setting])
    seen = SEEN[regime]
    tried = _columns(_whole_draws(cross_validated.table(setting, regime)), cross_validated.NAMES, truth)
    return truth, {**_measures(setting, seen, truth), **tried, **_controls(setting, seen, truth)}


def paired(evaluation: Evaluation, name: str, figure: str) -> tuple[float, float, float]:
    """Return by how much the default's figure is above a measure's, with its 90 % interval over targets."""
    apart = evaluation.figures[DEFAULT][figure] - evaluation.figures[name][figure]
    return float(apart.mean()), *interval(apart)


def _whole_draws(table: pd.DataFrame) -> pd.DataFrame:
    """Return the draws that every pair has; a draw under way is not in it."""
    counts = table.groupby("draw").size()
    full = [draw for draw, count in counts.items() if count == counts.max()] if len(counts) else []
    return table[table["draw"].isin(full)]


def _measures(setting: str, regime: str, truth: Truth) -> dict[str, Array]:
    """Return the scores of every measure; none while targets are still to be scored."""
    table = scores.table(setting, regime)
    if table.empty or not set(truth.targets) <= set(table["target"]):
        return {}
    return _columns(_whole_draws(table), [name for name in NAMES if name in table], truth)


def _columns(table: pd.DataFrame, names: Sequence[str], truth: Truth) -> dict[str, Array]:
    """Return columns of a table by name, [T, S, draws]."""
    if table.empty:
        return {}
    index = pd.MultiIndex.from_product([truth.targets, truth.sources])
    out = {}
    for name in names:
        wide = table.pivot_table(index=["target", "source"], columns="draw", values=name, dropna=False).reindex(index)
        out[name] = wide.to_numpy(dtype=np.float64).reshape(len(truth.targets), len(truth.sources), -1)
    return out


def _controls(setting: str, regime: str, truth: Truth) -> dict[str, Array]:
    return {
        "random": controls.random(truth),
        "source_mean": controls.source_mean(truth, whole_data_set=False),
        "source_mean_other_data": controls.source_mean(truth, whole_data_set=True),
        "same_data_set": controls.same_data_set(truth),
        **_columns(scores.controls_of(setting, regime), controls.OF_IMAGES, truth),
    }


def _penalised(setting: str, regime: str, truth: Truth, known: Mapping[str, Array]) -> dict[str, Array]:
    """Return the Fisher kernel at fixed penalties, and its evidence on the same draws; nothing where not measured."""
    found = _columns(_whole_draws(penalties.table(setting, regime)), penalties.PENALTIES, truth)
    if not found or MEASURE not in known:
        return {}
    draws = min(values.shape[2] for values in found.values())
    return {"evidence": known[MEASURE][..., :draws], **found}


def _residual_tau(truth: Truth, values: Array) -> Array:
    left = residual(truth.mean[:, :-1])
    draws = [
        residual(np.where(np.isfinite(truth.mean[:, :-1]), values[:, :-1, d], np.nan)) for d in range(values.shape[2])
    ]
    stacked = np.stack(draws, axis=2)
    whole = [np.concatenate([each, np.zeros((len(each), 1, *each.shape[2:]))], axis=1) for each in (left, stacked)]
    return weighted_taus(whole[0], whole[1], inside(truth, "all"))
