"""Figures of the supernet benchmark, and its part of the page of results."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks import rows
from benchmarks.markdown import table
from benchmarks.supernets import paths, relaxed
from benchmarks.supernets.settings import BATCH, PATH_STEPS, SEEDS, SPACES, STEPS
from taskzoo.search.strategies.en2as import ARCHIVE

WITHIN = 0.01  # What a child that needs no training of its own may lack.


def headline() -> dict[str, Any]:
    """Return means and spreads of what is measured, and which claims they bear out."""
    trained = rows.read(relaxed.TABLE, relaxed.COLUMNS)
    trained = trained[[name.endswith(f"-{STEPS}") for name in trained["key"]]]
    sampled = rows.read(paths.TABLE, paths.COLUMNS)
    plain = trained[trained["weight"] == relaxed.WEIGHTS[0]]
    snas = trained[(trained["space"] == SPACES[0]) & (trained["strategy"] == "snas")]
    found = {
        "inheritance": summary(plain, ["space", "strategy"], relaxed.KINDS),
        "sizes": summary(snas.sort_values("weight", ascending=False), ["weight"], ("parameters", "retrained")),
        "paths": summary(sampled, ["strategy"], ("tau", "best_true", paths.VARIETY[0], paths.VARIETY[-1])),
    }
    return {**found, "controls": paths.controls(), "claims": claims(found), "met": all(claims(found).values())}


def summary(
    rows: pd.DataFrame, by: list[str], columns: tuple[str, ...]
) -> dict[str, dict[str, tuple[float, float] | int]]:
    """Return seeds, and mean and standard deviation of some columns, by group."""
    found: dict[str, dict[str, tuple[float, float] | int]] = {}
    for names, group in rows.groupby(by, sort=False):
        spread = {name: (float(group[name].mean()), float(group[name].std(ddof=1))) for name in columns}
        found[" ".join(str(name) for name in names)] = {"seeds": len(group), **spread}
    return found


def claims(found: Mapping[str, Any]) -> dict[str, bool]:
    """Return which claims the means bear out; none does that is not measured with all seeds."""
    every = [each for part in found.values() for each in part.values()]
    whole = len(every) == 2 * len(SPACES) + len(relaxed.WEIGHTS) + len(paths.STRATEGIES)
    if not whole or any(each["seeds"] < SEEDS for each in every):
        return {"measured": False}
    lost = {name: each["child"][0] - each["parent"][0] for name, each in found["inheritance"].items()}
    sizes = [found["sizes"][str(weight)]["parameters"][0] for weight in relaxed.WEIGHTS]
    tau = {name: each["tau"][0] for name, each in found["paths"].items()}
    return {
        "the child of snas keeps more than that of the mixture": all(
            lost[f"{name} snas"] > lost[f"{name} mixture"] for name in SPACES
        ),
        f"the child of snas is within {100 * WITHIN:.0f} point of itself trained again": all(
            found["inheritance"][f"{name} snas"]["child"][0]
            >= found["inheritance"][f"{name} snas"]["retrained"][0] - WITHIN
            for name in SPACES
        ),
        "a higher price gives smaller networks": sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 2,
        "unusual paths rank better than uniform ones": tau["en2as"] > tau["one_shot"],
    }


def tables(found: Mapping[str, Any]) -> dict[str, tuple[tuple[str, ...], list[list[str]]]]:
    """Return head and rows of the tables, by what of the headline they show."""
    return {
        "inheritance": (
            ("space, strategy", "seeds", "parent", "child", "statistics anew", "trained again"),
            [[name, *_cells(each, relaxed.KINDS, 100)] for name, each in found["inheritance"].items()],
        ),
        "sizes": (
            ("weight of the accuracy", "seeds", "weights of the child", "trained again"),
            [
                [name, *_cells(each, ("parameters",), 1), *_cells(each, ("retrained",), 100)[1:]]
                for name, each in found["sizes"].items()
            ],
        ),
        "paths": (
            ("strategy", "seeds", "tau", "variety at first", "in the end", "best ten"),
            [
                [
                    name,
                    *_cells(each, ("tau", paths.VARIETY[0], paths.VARIETY[-1]), 1),
                    *_cells(each, ("best_true",), 100)[1:],
                ]
                for name, each in found["paths"].items()
            ],
        ),
    }


def _cells(entry: Mapping[str, Any], columns: Sequence[str], factor: int) -> list[str]:
    """Return seeds, and mean and standard deviation of columns, as text."""
    pairs = [(factor * entry[name][0], factor * entry[name][1]) for name in columns]
    return [str(entry["seeds"]), *(_text(mean, std) for mean, std in pairs)]


def _text(mean: float, std: float) -> str:
    digits = 0 if mean >= 1000 else 1 if mean >= 1 else 3
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def section() -> Iterator[str]:
    """Yield the Markdown of the page of results."""
    found = headline()
    of = {name: table(head, lines) for name, (head, lines) in tables(found).items()}
    yield "## What supernets are worth"
    if not found["inheritance"]:
        yield "`python -m benchmarks.supernets` has not been run."
        return
    yield (
        f"CIFAR-10, 2,000 training images, batches of {BATCH}: far less than in the papers. Accuracies are in percent "
        "of 1,000 validation images, on which nothing was chosen; mean and standard deviation over seeds. "
        "Measured by `python -m benchmarks.supernets`. Which claims the means bear out: "
        + "; ".join(f"{name}: {'yes' if holds else 'no'}" for name, holds in found["claims"].items())
        + "."
    )
    yield (
        "SNAS samples its gates ever nearer to one-hot; *mixture* trains the same supernet as long with the softmax "
        "itself for gates, and cuts it (DARTS, weights and logits in one step). *Parent*: the supernet with the gates "
        "of its last step. *Child*: the likeliest architecture with the parent's weights and statistics. *Statistics "
        "anew*: its batch normalisation measured again. *Trained again*: from scratch, alone. Supernet and child are "
        f"trained {STEPS} steps; nasbench201 are networks of one cell a stage and width 8 at 16x16 pixels, cells stand "
        "on a pretrained tf_efficientnet_lite0."
    )
    yield of["inheritance"]
    yield (
        "A price on weights in SNAS's loss (nasbench201; the accuracy's weight stands beside the price's, which makes "
        "one together, the largest network costing 1):"
    )
    yield of["sizes"]
    yield (
        f"A supernet of nasbench201 trained {PATH_STEPS} steps on one path each, uniform (*one_shot*) or unusual "
        f"(*en2as*). *Tau*: Kendall's, of its ranking of {paths.RANKED} random cells (validation accuracy, statistics "
        f"anew, {paths.IMAGES} images) to their test accuracies in the table, after 200 epochs. *Variety*: share of "
        f"decisions in which two paths differ, among the first and the last {ARCHIVE}; uniform paths come to 0.8. "
        f"*Best ten*: mean true accuracy of the ten it ranks first; of all {paths.RANKED} it is "
        f"{found['controls']['mean_true']:.1f}."
    )
    yield of["paths"]
    by_size, alone = found["controls"]["weights"], found["controls"]["alone"]
    yield (
        f"For comparison: the number of weights orders these {paths.RANKED} cells with a tau of {by_size:+.2f}, and "
        + (
            f"accuracies of {found['controls']['cells']} of them trained alone for {paths.CONTROL_STEPS} steps on the "
            f"same images with {alone:+.2f}."
            if alone is not None
            else "cells trained alone on the same images have not been measured."
        )
    )
