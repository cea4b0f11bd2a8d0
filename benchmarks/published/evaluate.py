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
        fresh: The same of seeds that came after the variants were chosen; may have none.
        accuracy: Mean validation accuracy of the probes, by task.
        reached: Share of the probes that reach 1 - eps, by task.
    """

    name: str
    family: str
    paper: Published
    cubes: Mapping[str, Array]
    fresh: Mapping[str, Array]
    accuracy: Mapping[str, float]
    reached: Mapping[str, float]

    @property
    def values(self) -> Array:
        """The paper's own distance, [seeds, S, T]."""
        return self.cubes[self.paper.measure]

    @property
    def scripts(self) -> str:
        """The variant that computes it as the paper's scripts do."""
        return f"{self.paper.measure}_reference"

    @property
    def mean(self) -> Array:
        """Its mean over seeds, [S, T]."""
        return self.mean_of(self.paper.measure)

    def mean_of(self, variant: str) -> Array:
        """Return a variant's mean over seeds, [S, T]."""
        return np.asarray(self.cubes[variant].mean(0))

    @property
    def published_nearest(self) -> list[int]:
        """The published nearest source of each target, on which the paper's networks agree."""
        return nearest(self.paper.mean())

    def agrees(self, variant: str) -> list[bool]:
        """Tell whether each target's nearest source is the published one by a variant."""
        return agreeing(self.mean_of(variant), self.published_nearest)

    def seed_shares(self, variant: str) -> list[float]:
        """Return in which share of the seeds it is, target by target."""
        return seed_shares(self.cubes[variant], self.published_nearest)

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
            cubes, fresh = (
                {variant: cube(part, paper.tasks, variant) for variant in VARIANTS}
                for part in (table[table["seed"] < SEEDS], table[table["seed"] >= SEEDS])
            )
            if len(cubes[paper.measure]):
                probes = reached(family)
                out.append(Found(name, family, paper, cubes, fresh, dict(probes["accuracy"]), dict(probes["reached"])))
    return out


def among_published(paper: Published) -> list[float]:
    """Return the rank correlations of the published networks' matrices with each other, the least first."""
    means = [np.array(network.mean) for network in paper.networks.values()]
    return sorted(rank_correlation(first, second) for first, second in combinations(means, 2))


def headline(found: Sequence[Found]) -> dict[str, Any]:
    """Return the figures of the goals: the published minima of 8 targets, by every family for FTD, and for LD-NAS.

    Args:
        found: Sets and families.

    Returns:
        By paper and family, once by the definition and once as the papers' scripts compute it. The goal is judged by
        the second, which is what was published.
    """
    ftd = {family: _figures([each for each in found if _is_ftd(each) and each.family == family]) for family in FAMILIES}
    ld_nas = _figures([each for each in found if not _is_ftd(each)])
    entries = (*ftd.values(), ld_nas)
    met = all(one["scripts"]["agree"] == one["targets"] == 8 and one["seeds"] >= SEEDS for one in entries)
    return {"ftd": ftd, "ld-nas": {LD_FAMILY: ld_nas}, "goal": f"8 of 8 in each, {SEEDS} seeds", "met": met}


def _is_ftd(found: Found) -> bool:
    return found.paper.measure == "ftd"


def _figures(found: Sequence[Found]) -> dict[str, Any]:
    """Return a family's figures over its sets."""
    return {
        "targets": sum(len(each.paper.tasks) for each in found),
        "seeds": min((len(each.values) for each in found), default=0),
        "definition": _agreement([(each, each.paper.measure) for each in found]),
        "scripts": _agreement([(each, each.scripts) for each in found]),
        "fresh": _on_fresh_seeds(found),
    }


def _on_fresh_seeds(found: Sequence[Found]) -> dict[str, int]:
    """Return how many minima the scripts' way finds on seeds that had no say in what that way is taken to be."""
    seeds = min((len(each.fresh[each.scripts]) for each in found), default=0)
    agree = [
        one for each in found if seeds for one in agreeing(each.fresh[each.scripts].mean(0), each.published_nearest)
    ]
    return {"seeds": seeds, "agree": sum(agree)}


def _agreement(variants: Sequence[tuple[Found, str]]) -> dict[str, Any]:
    """Return how far one variant of each set agrees with what was published."""
    shares = [one for each, variant in variants for one in each.seed_shares(variant)]
    return {
        "agree": sum(one for each, variant in variants for one in each.agrees(variant)),
        "share_of_seeds": round(float(np.mean(shares)), 3) if shares else None,
        "spearman": {each.name: [round(one, 3) for one in each.correlation(variant)] for each, variant in variants},
    }
