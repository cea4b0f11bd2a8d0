"""What the runs say."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from benchmarks.targets.measure import ARMS, SECONDS, SEEDS, TARGETS


def headline(table: pd.DataFrame) -> dict[str, Any]:
    """Return figures by target and arm, and how far the narrowed search is ahead of each other arm."""
    planned = SEEDS * len(TARGETS) * len(ARMS)
    if table.empty:
        return {"cells": {}, "narrowed_ahead_of": {}, "runs": 0, "done": 0, "planned": planned, "met": False}
    cells = {
        f"{target} {arm}": {
            "seeds": len(group),
            "test": [round(100 * float(group["test"].mean()), 2), _spread(group["test"], 2)],
            "searched": round(100 * float(group["searched"].mean()), 2) if arm not in {"source", "backbone"} else None,
            "parameters": int(group["parameters"].mean()),
            "trials": round(float(group["trials"].mean()), 1),
            "seconds": round(float(group["seconds"].mean()), 1),
        }
        for (target, arm), group in table.groupby(["target", "arm"], sort=False)
    }
    wide = table.pivot_table(index=["target", "seed"], columns="arm", values="test").dropna()
    ahead = {arm: _paired(100 * (wide["narrowed"] - wide[arm])) for arm in ARMS if arm != "narrowed" and arm in wide}
    rivals = ("full", "source", "backbone")
    whole = len(wide) == SEEDS * len(TARGETS)
    met = whole and all((ahead[arm][0] or 0) >= 0 for arm in rivals)
    return {
        "cells": cells,
        "narrowed_ahead_of": ahead,
        "runs": len(wide),
        "done": len(table),
        "planned": planned,
        "met": met,
    }


def _paired(difference: pd.Series) -> list[float | None]:
    """Return the mean difference in points and its standard error over targets and seeds."""
    error = _spread(difference / 100, 4)
    return [
        round(float(difference.mean()), 2),
        None if error is None else round(error / math.sqrt(len(difference)), 2),
    ]


def _spread(shares: pd.Series, digits: int) -> float | None:
    """Return the standard deviation in points, or None of one alone."""
    return round(100 * float(shares.std()), digits) if len(shares) > 1 else None


HEAD = ["target and arm", "seeds", "test", "search's validation", "parameters", "trials", "seconds"]


def lines(figures: Mapping[str, Any]) -> list[list[str]]:
    """Return the headline's cells as text, under ``HEAD``."""
    return [
        [
            name,
            str(each["seeds"]),
            f"{each['test'][0]:.1f}" + ("" if each["test"][1] is None else f" ± {each['test'][1]:.1f}"),
            "" if each["searched"] is None else f"{each['searched']:.1f}",
            f"{each['parameters']:,}",
            f"{each['trials']:.0f}",
            f"{each['seconds']:.0f}",
        ]
        for name, each in figures["cells"].items()
    ]


def show(figures: Mapping[str, Any]) -> Table:
    """Return the headline as a table."""
    table = Table(title=f"Test accuracy in percent after {SECONDS:g} processor seconds in all, over seeds")
    for name in HEAD:
        table.add_column(name)
    for line in lines(figures):
        table.add_row(*line)
    return table
