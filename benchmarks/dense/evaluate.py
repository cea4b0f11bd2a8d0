"""What the measured distances and transfers say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import rows
from benchmarks.dense import truth
from benchmarks.dense.agreement import (
    affinities,
    best_sources,
    nearest_among,
    published,
    row_correlations,
    same_block,
    target_blind,
)
from benchmarks.dense.measure import DISTANCES, SKILLS
from benchmarks.dense.settings import GEOMETRY, IMAGES, MEASURES, TASKS
from benchmarks.transfer.metrics import regrets, weighted_taus
from taskzoo.distance.catalogue import MEASURES as CATALOGUE
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.belief import BESIDE

Array = npt.NDArray[np.float64]
NOISE = 25  # Draws of the random control.
RECOMMENDER = "recommender"


@dataclass(frozen=True)
class Agreement:
    """Of an order of sources with Taskonomy's.

    Attributes:
        correlations: Spearman's, mean over targets, one a seed.
        of_mean: The same of the mean over seeds.
        geometry: The same, of the targets of geometry only: in the other rows most of Taskonomy's order is noise.
        blind: As ``of_mean``, of the mean rank of a source for the other targets: what does not depend on the target.
        block: Targets whose nearest source is of their kind, by the mean over seeds; ties count by lot.
        best: Targets whose nearest source is the affinities' own.
    """

    correlations: Array
    of_mean: float
    geometry: float
    blind: float
    block: float
    best: float


@dataclass(frozen=True)
class Following:
    """What an order of sources is worth to a target that learns from few images.

    Attributes:
        tau: Weighted Kendall tau with the skills, mean over targets.
        regret: Skill that is lost by following it, mean over targets.
    """

    tau: float
    regret: float


def agreement(nearness: Array) -> Agreement:
    """Compare an order with Taskonomy's.

    Args:
        nearness: [seeds, T, S], higher is nearer.

    Returns:
        The agreement.
    """
    mean = nearness.mean(0)
    rows = row_correlations(mean, affinities())
    return Agreement(
        correlations=np.array([row_correlations(each, affinities()).mean() for each in nearness]),
        of_mean=float(rows.mean()),
        geometry=float(rows[[name in GEOMETRY for name in TASKS]].mean()),
        blind=float(row_correlations(target_blind(mean), affinities()).mean()),
        block=float(nearest_among(mean, same_block()).sum()),
        best=float(nearest_among(mean, best_sources(affinities())).sum()),
    )


@cache
def nearness() -> Mapping[str, Array]:
    """Return each measure's nearness, and the recommender's, [seeds, T, S + 1]; the initial state last, or NaN."""
    if not DISTANCES.exists():
        return {}
    table = pd.read_csv(DISTANCES)
    found: dict[str, Array] = {}
    for name in MEASURES:
        own = table[table["measure"] == name]
        wide = own.pivot_table(index="repeat", columns=["target", "source"], values="value")
        wide = wide.reindex(columns=pd.MultiIndex.from_product([TASKS, (*TASKS, NO_TRANSFER)]))
        values = wide.to_numpy(np.float64).reshape(len(wide), len(TASKS), len(TASKS) + 1)
        found[name] = -values if CATALOGUE[name].lower_is_closer else values
    return found | {RECOMMENDER: recommender(found)}


def recommender(found: Mapping[str, Array]) -> Array:
    """Return the product's score of sources of dense targets, [seeds, T, S + 1], of each seed by itself.

    The parts are in standard deviations over a target's sources; that of the initial state is the measure's alone.
    """
    measure = RecommendParams().dense_measure
    weights = {name: weight for name, weight in BESIDE.items() if name != measure}
    beside = sum(weight * _standardised(found[name]) for name, weight in weights.items())
    score = _standardised(found[measure]) + beside
    score[..., -1] -= np.asarray(beside)[..., -1]
    return np.asarray(score)


def _standardised(values: Array) -> Array:
    others = values[..., :-1].copy()
    others[:, np.arange(len(TASKS)), np.arange(len(TASKS))] = np.nan
    mean, spread = np.nanmean(others, axis=2, keepdims=True), np.nanstd(others, axis=2, keepdims=True)
    return np.asarray((values - mean) / spread)


@cache
def skills() -> Mapping[str, Array]:
    """Return the sources' validation skill, one a seed."""
    if not SKILLS.exists():
        return {}
    table = pd.read_csv(SKILLS)
    return {str(name): each.to_numpy(np.float64) for name, each in table.groupby("task", sort=False)["skill"]}


@cache
def transfers() -> Mapping[int, Array]:
    """Return the test skills [T, S + 1, draws] by number of images, of those that are complete."""
    table = rows.read(truth.PATH, truth.COLUMNS)
    cubes = {images: truth.cube(table, images) for images in IMAGES}
    return {images: each for images, each in cubes.items() if each.shape[2]}


def agreements() -> Mapping[str, Agreement]:
    """Return the agreement of each measure, of what really transfers, and of the paper's figure."""
    size = len(TASKS)
    found = {name: agreement(each[:, :, :size]) for name, each in nearness().items()}
    for images, each in transfers().items():
        found[f"transfer, {images} images"] = agreement(each[:, :size].transpose(2, 0, 1))
    return {
        **found,
        "the paper's figure": agreement(published()[None]),
        "Taskonomy itself": agreement(affinities()[None]),
    }


def followings(skill: Array) -> Mapping[str, Following]:
    """Return what measures and controls are worth.

    Args:
        skill: [T, S + 1, draws].

    Returns:
        By name.
    """
    size, mean = len(TASKS), skill.mean(2)
    blind = np.concatenate([affinities(), np.full((size, 1), np.nan)], 1)
    kind = np.concatenate([same_block(), np.zeros((size, 1), dtype=bool)], 1).astype(np.float64)
    scores = {name: each.transpose(1, 2, 0) for name, each in nearness().items()}
    scores |= {
        "random": np.random.default_rng(0).normal(size=(*mean.shape, NOISE)),
        "source_mean": source_mean(mean)[..., None],
        "same_kind": kind[..., None],
        "affinities": blind[..., None],
    }
    pool = ~np.eye(size, size + 1, dtype=bool)
    return {
        name: Following(
            tau=float(weighted_taus(mean, each, pool).mean()), regret=float(regrets(mean, each, pool).mean())
        )
        for name, each in scores.items()
    }


def source_mean(skill: Array) -> Array:
    """Return how much a source helps the other targets, in each one's spread over its sources, [T, S + 1].

    Args:
        skill: [T, S + 1], the initial state last.
    """
    gain = skill - skill[:, -1:]
    gain /= np.nanstd(skill, axis=1, keepdims=True)
    return np.array([np.nanmean(np.delete(gain, row, axis=0), axis=0) for row in range(len(gain))])
