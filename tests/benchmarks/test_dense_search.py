"""Which sources an arm of the search for decoders has, and its figures, by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.dense.measure import DISTANCES
from benchmarks.dense.search.measure import POINTS, TRIALS
from benchmarks.dense.search.report import GOAL, SOON, headline, lines, verdict
from benchmarks.dense.search.sources import ARMS, SEEDS, TARGETS, ranking, sources
from benchmarks.dense.search.strategies import STRATEGIES
from benchmarks.dense.search.strategies import lines as by_strategy
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import TargetName


@pytest.mark.parametrize("target", TARGETS)
def test_sources_are_ranked_by_ridge_and_half_of_the_layerwise_distance(target: TargetName) -> None:
    table = pd.read_csv(DISTANCES)
    table = table[(table["target"] == target) & ~table["source"].isin([target, NO_TRANSFER])]
    means = table.pivot_table(index="source", columns="measure", values="value")
    standard = (means - means.mean()) / means.std(ddof=0)
    score = standard["ridge_loo"] - 0.5 * standard["ftd_layerwise"]
    assert means["unlikeness"].nunique() == means["pixel_unlikeness"].nunique() == 1
    assert ranking(target).sources() == list(score.sort_values(ascending=False).index)


@pytest.mark.parametrize("target", TARGETS)
def test_every_arm_has_the_sources_that_it_says(target: TargetName) -> None:
    ranked = ranking(target).sources()
    assert target not in ranked
    recommended = sources(target, "narrowed", 0)
    assert recommended == sources(target, "source", 3)
    assert list(recommended) == ranked[: len(recommended)]
    assert len(recommended) > 0
    assert sum(recommended.values()) == pytest.approx(1)
    assert sources(target, "full", 0) == {}
    assert sources(target, "worst", 1) == {ranked[-1]: 1.0}
    by_chance = [sources(target, "random", seed) for seed in range(20)]
    assert by_chance == [sources(target, "random", seed) for seed in range(20)]
    drawn = {source for weights in by_chance for source in weights}
    assert drawn <= set(ranked[1:])
    assert len(drawn) > 4


def run(target: str, arm: str, seed: int, found: dict[int, float], test: float) -> dict[str, object]:
    """Return the row of a run whose best skill so far was found after some trainings."""
    reached = [
        max((skill for at, skill in found.items() if at <= point), default=0.0) for point in range(1, TRIALS + 1)
    ]
    curve = [np.nan] * TRIALS if arm == "source" else reached
    known = {"target": target, "arm": arm, "seed": seed, "test": test, "parameters": 100 + seed, "architectures": 8}
    return known | dict(zip(POINTS, curve, strict=True))


def runs(seeds: int, narrowed: dict[int, float], test: float) -> pd.DataFrame:
    """Return runs in which the full search finds 0.5 in its last training and has 0.4 in the test."""
    found = {arm: {1: 0.1} for arm in ARMS} | {"full": {1: 0.1, TRIALS: 0.5}, "narrowed": narrowed}
    tests = dict.fromkeys(ARMS, 0.1) | {"full": 0.4, "narrowed": test}
    return pd.DataFrame(
        run(target, arm, seed, found[arm], tests[arm]) for seed in range(seeds) for target in TARGETS for arm in ARMS
    )


def test_figures_of_a_search_that_narrowing_helps() -> None:
    figures = headline(runs(SEEDS, {2: 0.4, GOAL: 0.5}, test=0.45))
    assert figures["met"]
    assert figures["needed"]["narrowed"] == {"median": GOAL, "reached": SEEDS * len(TARGETS)}
    assert figures["needed"]["full"]["median"] == TRIALS
    assert figures["needed"]["worst"] == {"median": None, "reached": 0}
    assert "source" not in figures["needed"]
    assert figures["narrowed_ahead_of"]["full"] == {
        f"after {SOON}": [0.3, 0.0],
        f"after {TRIALS}": [0.0, 0.0],
        "test": [0.05, 0.0],
    }
    assert figures["narrowed_ahead_of"]["source"]["test"] == [0.35, 0.0]
    cell = figures["cells"][f"{TARGETS[0]} narrowed"]
    assert cell["parameters"] == 102
    assert cell[f"after {SOON}"] == [0.4, 0.0]
    assert figures["cells"][f"{TARGETS[0]} source"][f"after {TRIALS}"] is None
    assert len(lines(figures)) == len(TARGETS) * len(ARMS)
    assert "is met" in verdict(figures)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "narrowed"])
def test_the_goal_asks_for_as_much_as_any_other_arm_has(arm: str) -> None:
    table = runs(SEEDS, {1: 0.6}, test=0.45)
    assert headline(table)["met"]
    table.loc[table["arm"] == arm, "test"] = 0.46
    assert not headline(table)["met"]


@pytest.mark.parametrize(("narrowed", "test"), [({GOAL + 1: 0.5}, 0.45), ({1: 0.49}, 0.45), ({1: 0.6}, 0.39)])
def test_a_search_that_is_late_or_worse_does_not_meet_the_goal(narrowed: dict[int, float], test: float) -> None:
    assert not headline(runs(SEEDS, narrowed, test))["met"]


def test_only_seeds_that_all_arms_have_done_count_and_all_are_needed() -> None:
    done = runs(2, {1: 0.6}, test=0.45)
    figures = headline(done[:-1])
    assert (figures["pairs"], figures["done"], figures["met"]) == (5, 29, False)
    assert figures["cells"][f"{TARGETS[-1]} narrowed"]["seeds"] == 1
    assert figures["cells"][f"{TARGETS[-1]} narrowed"]["test"] == [0.45, None]
    assert headline(done[:3])["cells"] == {}


def test_errors_are_of_the_paired_differences() -> None:
    table = runs(1, {1: 0.6}, test=0.5)
    table.loc[table["arm"] == "narrowed", "test"] = [0.4, 0.5, 0.6]
    assert headline(table)["narrowed_ahead_of"]["full"]["test"] == [0.1, pytest.approx(0.1 / 3**0.5, abs=1e-4)]


def test_strategies_are_compared_over_the_seeds_that_all_have_done() -> None:
    reached = {name: 0.1 * place for place, name in enumerate(STRATEGIES)}
    table = pd.DataFrame(
        {
            "key": f"{target}-{name}-{seed}",
            "target": target,
            "strategy": name,
            "seed": seed,
            "val": reached[name] + seed,
            "test": reached[name] + 0.3 * seed * (name == "tpe"),
            "parameters": 1000,
        }
        for seed in range(3)
        for target in TARGETS
        for name in STRATEGIES
        if (seed, name) != (2, "snas")
    )
    found = {line[0]: line[1:] for line in by_strategy(table)}
    assert list(found) == list(STRATEGIES)
    assert found["random"] == ["2", "0.500 ± 0.707", "0.000 ± 0.000", "", "1,000"]
    assert found["tpe"][2:4] == ["0.250 ± 0.212", "+0.250 ± 0.150"]
    assert by_strategy(table[table["seed"] == 2]) == []
