"""What the runs say."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.dense.search.measure import POINTS, SEARCH, TRIALS
from benchmarks.dense.search.sources import ARMS, SEEDS, TARGETS, ranking, sources
from benchmarks.dense.settings import SIZES
from benchmarks.markdown import table
from taskzoo.params import TargetName

SOON, GOAL = TRIALS // 4, TRIALS // 2  # Trainings.
PLANNED = SEEDS * len(TARGETS)  # Pairs of a target and a seed.
COMPARED = {f"after {SOON}": str(SOON), f"after {TRIALS}": str(TRIALS), "test": "test"}
HEAD = (
    *("target and arm", "seeds", "architectures", f"after {SOON}", f"after {TRIALS}", "trainings needed"),
    *("test", "parameters"),
)


def headline(runs: pd.DataFrame) -> dict[str, Any]:
    """Return figures by target and arm, and of all targets together.

    Args:
        runs: A row a run; only seeds that every arm of a target has done count.

    Returns:
        Cells by target and arm; after how many trainings an arm's skill on validation images is that of the full
        search of the same seed in the end, over all targets; how far the narrowed search is ahead of each other arm;
        and whether the goal is met.
    """
    arms = runs.groupby(["target", "seed"])["arm"].transform("nunique")
    whole = runs[arms == len(ARMS)].set_index(["target", "seed"])
    if whole.empty:
        return {"cells": {}, "needed": {}, "narrowed_ahead_of": {}, "pairs": 0, "done": len(runs), "met": False}
    wanted = whole.loc[whole["arm"] == "full", str(TRIALS)]
    whole = whole.assign(needed=trainings_needed(whole[list(POINTS)], wanted.loc[whole.index]))
    of = {arm: whole[whole["arm"] == arm] for arm in ARMS}
    needed = {arm: _needed(each["needed"]) for arm, each in of.items() if arm != "source"}
    ahead = {
        arm: {name: _figure(of["narrowed"][column] - each[column], len(each)) for name, column in COMPARED.items()}
        for arm, each in of.items()
        if arm != "narrowed"
    }
    best = of["narrowed"]["test"].mean() >= max(each["test"].mean() for each in of.values())
    soon = float(of["narrowed"]["needed"].median()) <= GOAL
    return {
        "cells": {
            f"{target} {arm}": _cell(each.loc[[target]])
            for target in TARGETS
            if target in wanted.index
            for arm, each in of.items()
        },
        "needed": needed,
        "narrowed_ahead_of": ahead,
        "pairs": len(wanted),
        "done": len(runs),
        "met": bool(len(wanted) == PLANNED and soon and best),
    }


def trainings_needed(curves: pd.DataFrame, wanted: pd.Series) -> npt.NDArray[np.float64]:
    """Return after how many trainings each curve reaches what is wanted of it; infinite where it never does."""
    reached = curves.to_numpy(np.float64) >= wanted.to_numpy(np.float64)[:, None]
    return np.where(reached.any(1), reached.argmax(1) + 1.0, np.inf)


def _needed(numbers: pd.Series) -> dict[str, Any]:
    """Return the median, None where it is never, and how many there are at all."""
    median = float(numbers.median())
    return {"median": median if np.isfinite(median) else None, "reached": int(np.isfinite(numbers).sum())}


def _cell(group: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of one target and arm; those of a search are None where there was none."""
    return {
        "seeds": len(group),
        "architectures": round(float(group["architectures"].mean())),
        **{name: _figure(group[column], 1) for name, column in COMPARED.items()},
        **_needed(group["needed"]),
        "parameters": round(float(group["parameters"].mean())),
    }


def _figure(values: pd.Series, count: int) -> list[float | None] | None:
    """Return the mean and the standard deviation of means of so many values; None where there was no search."""
    if values.isna().any():
        return None
    spread = float(values.std()) / np.sqrt(count)
    return [round(float(values.mean()), 4), round(spread, 4) if np.isfinite(spread) else None]


def lines(figures: Mapping[str, Any]) -> list[list[str]]:
    """Return the headline's cells as text, under ``HEAD``."""
    return [
        [
            name,
            str(each["seeds"]),
            f"{each['architectures']:,}",
            *(_text(each[part]) for part in (f"after {SOON}", f"after {TRIALS}")),
            "" if each[f"after {TRIALS}"] is None else _trainings(each, each["seeds"]),
            _text(each["test"]),
            f"{each['parameters']:,}",
        ]
        for name, each in figures["cells"].items()
    ]


def section(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section of the page."""
    yield "## What narrowing spares the search for decoders"
    if not figures["cells"]:
        yield "`python -m benchmarks.dense.search` has not been run."
        return
    yield (
        f"{TRIALS} candidate trainings by TPE in every arm, {SEARCH.steps} steps of {SEARCH.batch_size} each, of "
        f"decoders on the frozen trunk of the target's own probe (one training on its {SIZES.train} views); a narrowed "
        f"search spends the last {SEARCH.explore:.0%} of them in the whole space. "
        + "; ".join(f"*{arm}*: {text}" for arm, text in ARMS.items())
        + ". Sources are ranked by the product's own recommender, whose score is here `ridge_loo` and half of "
        "`ftd_layerwise`, by the distances measured above; nothing looks at transfers or "
        f"affinities. Their elites come from a search of their own. Recommended are "
        f"{'; '.join(map(_recommended, TARGETS))}. *architectures*: how many are left to choose from, mean over "
        "seeds. Then the best skill so far on validation views, mean ± spread over seeds, and the trainings that it "
        "takes to reach the full search's in the end, of the same seed: the median, and for how many seeds it is "
        "reached. *test*: the best, trained on the trunk for "
        f"{SEARCH.final.steps} steps and then whole for as many, whichever of the two is better on validation views. "
        "Measured by `python -m benchmarks.dense.search`."
    )
    yield table(HEAD, lines(figures))
    yield verdict(figures)


def _recommended(target: TargetName) -> str:
    weights = ", ".join(f"{source} {weight:.2f}" for source, weight in sources(target, "narrowed", 0).items())
    return f"for {target} {weights} (last: {ranking(target).sources()[-1]})"


def verdict(figures: Mapping[str, Any]) -> str:
    """Return what the headline says of all targets together."""
    pairs = figures["pairs"]
    needed = "; ".join(f"{arm} {_trainings(each, pairs)}" for arm, each in figures["needed"].items())
    ahead = "; ".join(
        f"{arm} " + ", ".join(f"{_signed(each)} {name}" for name, each in parts.items() if each is not None)
        for arm, parts in figures["narrowed_ahead_of"].items()
    )
    return (
        f"Over {pairs} of {PLANNED} targets and seeds, trainings needed for the full search's skill in the end: "
        f"{needed}. The narrowed search is ahead of (skill, with standard error): {ahead}. The goal, at most "
        f"{GOAL} trainings and the best mean test skill of all arms, is {'met' if figures['met'] else 'not met'}."
    )


def _trainings(each: Mapping[str, Any], of: int) -> str:
    median = "never" if each["median"] is None else f"{each['median']:g}"
    return f"{median} ({each['reached']} of {of})"


def _text(figure: list[float | None] | None) -> str:
    if figure is None:
        return ""
    mean, spread = figure
    return f"{mean:.3f}" + ("" if spread is None else f" ± {spread:.3f}")


def _signed(figure: list[float | None]) -> str:
    return f"{figure[0]:+.3f}" + ("" if figure[1] is None else f" ± {figure[1]:.3f}")
