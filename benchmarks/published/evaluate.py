"""The results so far, set by set and family by family, and whether the goals are met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.published.agreement import (
    Array,
    agreeing,
    correlation_interval,
    cube,
    nearest,
    rank_correlation,
    seed_shares,
)
from benchmarks.published.cells import distances, reached
from benchmarks.published.papers import Published, papers
from benchmarks.published.settings import FAMILIES, LD_FAMILY, SEEDS, sets_of
from benchmarks.published.variants import VARIANTS


@dataclass(frozen=True)
class Found:
    """A set of tasks measured with one family.

    Attributes:
        name: Of the set.
        family: The network.
        paper: What was published.
        cubes: Distances [seeds, S, T] by variant.
        accuracy: Mean validation accuracy of the probes, by task.
        reached: Share of the probes that reach 1 - eps, by task.
    """

    name: str
    family: str
    paper: Published
    cubes: Mapping[str, Array]
    accuracy: Mapping[str, float]
    reached: Mapping[str, float]

    @property
    def values(self) -> Array:
        """The paper's own distance, [seeds, S, T]."""
        return self.cubes[self.paper.measure]

    @property
    def mean(self) -> Array:
        """Its mean over seeds, [S, T]."""
        return np.asarray(self.values.mean(0))

    @property
    def published_nearest(self) -> list[int]:
        """The published nearest source of each target, on which the paper's networks agree."""
        return nearest(self.paper.mean())

    @property
    def agrees(self) -> list[bool]:
        """Whether each target's nearest source is the published one."""
        return agreeing(self.mean, self.published_nearest)

    @property
    def seed_shares(self) -> list[float]:
        """In which share of the seeds it is."""
        return seed_shares(self.values, self.published_nearest)

    def correlation(self, variant: str) -> tuple[float, float, float]:
        """Return a variant's rank correlation with the published mean, and its interval over seeds."""
        values, published = self.cubes[variant], self.paper.mean()
        return rank_correlation(values.mean(0), published), *correlation_interval(values, published)


def evaluate() -> list[Found]:
    """Return what has at least one complete seed, in the papers' order."""
    out = []
    for name, paper in papers().items():
        for family in (each for each in FAMILIES if name in sets_of(each)):
            table = distances(family)
            cubes = {variant: cube(table, paper.tasks, variant) for variant in VARIANTS}
            if len(cubes[paper.measure]):
                probes = reached(family)
                out.append(Found(name, family, paper, cubes, dict(probes["accuracy"]), dict(probes["reached"])))
    return out


def among_published(paper: Published) -> list[float]:
    """Return the rank correlations of the published networks' matrices with each other, the least first."""
    means = [np.array(network.mean) for network in paper.networks.values()]
    return sorted(rank_correlation(first, second) for first, second in combinations(means, 2))


def headline(found: Sequence[Found]) -> dict[str, Any]:
    """Return the figures of the goals: the published minima of 8 targets, by every family for FTD, and for LD-NAS."""
    ftd = {family: _figures([each for each in found if _is_ftd(each) and each.family == family]) for family in FAMILIES}
    ld_nas = _figures([each for each in found if not _is_ftd(each)])
    met = all(one["agree"] == one["targets"] == 8 and one["seeds"] >= SEEDS for one in (*ftd.values(), ld_nas))
    return {"ftd": ftd, "ld-nas": {LD_FAMILY: ld_nas}, "goal": f"8 of 8 in each, {SEEDS} seeds", "met": met}


def _is_ftd(found: Found) -> bool:
    return found.paper.measure == "ftd"


def _figures(found: Sequence[Found]) -> dict[str, Any]:
    """Return a family's figures over its sets."""
    agrees = [one for each in found for one in each.agrees]
    shares = [one for each in found for one in each.seed_shares]
    return {
        "targets": len(agrees),
        "agree": sum(agrees),
        "seeds": min((len(each.values) for each in found), default=0),
        "share_of_seeds": round(float(np.mean(shares)), 3) if shares else None,
        "spearman": {each.name: [round(value, 3) for value in each.correlation(each.paper.measure)] for each in found},
    }
