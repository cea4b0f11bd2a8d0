"""The results as a page, as a section of the page of all results, and as one JSON line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.dense.agreement import affinities, best_sources, by_chance, same_block
from benchmarks.dense.evaluate import Agreement, agreements, followings, nearness, skills, transfers
from benchmarks.dense.figure import atlas
from benchmarks.dense.search import report as search_report
from benchmarks.dense.search import strategies
from benchmarks.dense.search.measure import TRIALS, read_runs
from benchmarks.dense.settings import FEW, FISHER, HERE, IMAGES, PROBE, REPEATS, ROOMS, SIZES, TASKS, TRAIN
from benchmarks.markdown import table, where
from taskzoo.distance.catalogue import MEASURES

FIGURE = "docs/images/dense-atlas.png"
GOAL_CORRELATION, GOAL_BLOCK = 0.5, len(TASKS)
AGREEMENT_HEAD = (
    *("order of sources", "Spearman ± over seeds", "of the mean", "geometry only", "target-blind"),
    *("of its kind", "Taskonomy's best"),
)
FOLLOWING_HEAD = ("order of sources", "tau", "regret")


def headline() -> dict[str, Any]:
    """Return all figures, and whether the goals are met by a measure that reads the Fisher."""
    found = agreements()
    fisher = best_fisher(found)
    best = None if fisher is None else found[fisher]
    return {
        "skill": {name: round(float(each.mean()), 3) for name, each in skills().items()},
        "agreement": {
            name: {
                "spearman": round(float(each.correlations.mean()), 3),
                "std": None if len(each.correlations) < 2 else round(float(each.correlations.std(ddof=1)), 3),
                "spearman_of_mean": round(each.of_mean, 3),
                "spearman_of_geometry": round(each.geometry, 3),
                "spearman_target_blind": round(each.blind, 3),
                "nearest_of_its_kind": round(each.block, 2),
                "nearest_is_taskonomys": round(each.best, 2),
            }
            for name, each in found.items()
        },
        "chance": {
            "nearest_of_its_kind": round(float(by_chance(same_block()).sum()), 2),
            "nearest_is_taskonomys": round(float(by_chance(best_sources(affinities())).sum()), 2),
        },
        "transfer": {
            str(images): {
                name: {"tau": round(each.tau, 3), "regret": round(each.regret, 4)}
                for name, each in followings(skill).items()
            }
            for images, skill in transfers().items()
        },
        "best_fisher": fisher,
        "search": search_report.headline(read_runs()),
        "met": best is not None and bool(best.correlations.mean() >= GOAL_CORRELATION and best.block >= GOAL_BLOCK),
    }


def best_fisher(found: Mapping[str, Agreement]) -> str | None:
    """Return the measure that reads the Fisher, or gradients, and agrees best; None where nothing was measured."""
    names = [
        name for name in found if name in MEASURES and not MEASURES[name].needs.isdisjoint({"fisher", "gradients"})
    ]
    return max(names, key=lambda name: found[name].of_mean, default=None)


def agreement_rows(figures: Mapping[str, Any]) -> list[list[str]]:
    """Return a row an order of sources, chance last."""
    size, chance = len(TASKS), figures["chance"]
    rows = []
    for name, each in figures["agreement"].items():
        spread = "" if each["std"] is None else f" ± {each['std']:.2f}"
        rows.append(
            [
                name,
                f"{each['spearman']:.2f}{spread}",
                f"{each['spearman_of_mean']:.2f}",
                f"{each['spearman_of_geometry']:.2f}",
                f"{each['spearman_target_blind']:.2f}",
                f"{each['nearest_of_its_kind']:.3g} of {size}",
                f"{each['nearest_is_taskonomys']:.3g} of {size}",
            ]
        )
    return [
        *rows,
        ["chance", *["0"] * 4, f"{chance['nearest_of_its_kind']:.1f}", f"{chance['nearest_is_taskonomys']:.1f}"],
    ]


def following_rows(figures: Mapping[str, Any], images: str) -> list[list[str]]:
    """Return a row an order of sources, for targets of some images."""
    return [[name, f"{each['tau']:.2f}", f"{each['regret']:.3f}"] for name, each in figures["transfer"][images].items()]


def setting() -> str:
    """Return what was measured, in words."""
    seeds = len(next(iter(skills().values()), []))
    return (
        f"The rooms are synthetic ({ROOMS.rooms} of them, {ROOMS.views} views each, {PROBE.image_size} pixels a side), "
        f"the networks tiny ({PROBE.backbone}, one random initial state), trained for {TRAIN.steps} steps of "
        f"{TRAIN.batch_size} on {SIZES.train} views, {seeds} of "
        f"{REPEATS} planned seeds; the Fisher is of {FISHER.images} validation views. "
        "Taskonomy's affinities are of real houses, large networks and a hundred thousand images: agreement says that "
        "the same tasks lie near each other, not that values agree."
    )


def section() -> Iterator[str]:
    """Yield the section of the page of all results."""
    yield "## Dense tasks beside Taskonomy"
    figures = headline()
    if not figures["agreement"].keys() & MEASURES.keys():
        yield "`python -m benchmarks.dense` has not been run."
        return
    yield setting()
    yield (
        "For each of ten targets, Spearman's correlation of the nine other sources with Taskonomy's first-order "
        "affinities, mean over targets, and over the seven of geometry only (in the other rows most of Taskonomy's "
        "order is noise); *target-blind* is that of a source's mean rank for the other targets. Then the targets whose "
        "nearest source is of their kind (geometry, or the image's own edges, keypoints and pixels), and whose nearest "
        "source is Taskonomy's own. *recommender*: the product's score, `ridge_loo` and half of `ftd_layerwise`; "
        "*transfer*: the order by what fine-tuning really reaches. Measured by `python -m benchmarks.dense`; details "
        "in [benchmarks/dense](../benchmarks/dense/README.md)."
    )
    yield table(AGREEMENT_HEAD, agreement_rows(figures))
    met = "met" if figures["met"] else "not met"
    yield (
        f"The goal, a mean correlation of {GOAL_CORRELATION:g} and {GOAL_BLOCK} of {len(TASKS)} nearest sources of "
        f"the target's kind, by a measure that reads the Fisher or its dual, is {met}."
    )
    yield f"![Tasks clustered by a measure and by Taskonomy](../{FIGURE})"
    if figures["search"]["cells"]:
        yield f"Search for decoders, {TRIALS} trainings. {search_report.verdict(figures['search'])}"


def page(environments: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown page.

    Args:
        environments: Where it was measured.

    Returns:
        The whole text.
    """
    figures = headline()
    parts = [
        (HERE / "introduction.md").read_text().rstrip(),
        "## What was measured",
        setting(),
        "## The sources' skill",
        "The share of the best constant's loss that a source takes away on validation views; mean and spread of seeds.",
        table(
            ("task", "skill"),
            [[name, f"{each.mean():.2f} ± {each.std(ddof=1):.2f}"] for name, each in skills().items()],
        ),
        "## Agreement with Taskonomy's affinities",
        table(AGREEMENT_HEAD, agreement_rows(figures)),
        f"![Tasks clustered by a measure and by Taskonomy](../../{FIGURE})",
        *_transfer(figures),
        *search_report.section(figures["search"]),
        *strategies.section(strategies.read_runs()),
        (HERE / "tried.md").read_text().rstrip(),
        "## Where",
        *where(environments),
    ]
    return "\n\n".join(parts) + "\n"


def _transfer(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "## What really transfers"
    yield (
        f"A target learns from few validation views for {FEW.steps} steps, from a source's backbone under a fresh "
        "head; skill on test views. Weighted Kendall tau of an order of sources with the skills, and the skill that is "
        "lost by following it; means over targets. *source_mean* is how much a source helps the other targets, "
        "*same_kind* whether it is of the target's kind, *affinities* Taskonomy's."
    )
    for images, skill in transfers().items():
        mean = skill.mean(2)
        gain = mean[:, :-1] - mean[:, -1:]
        yield f"### {images} images"
        yield (
            f"{skill.shape[2]} draws. Mean skill from the initial state {mean[:, -1].mean():.3f}, from the mean source "
            f"{np.nanmean(mean[:, :-1]):.3f}, from the best {np.nanmax(mean, axis=1).mean():.3f}; "
            f"{(gain < 0).sum() / np.isfinite(gain).sum():.0%} of the transfers are negative."
        )
        yield table(FOLLOWING_HEAD, following_rows(figures, str(images)))
    missing = [str(images) for images in IMAGES if images not in transfers()]
    yield f"Not measured yet: {', '.join(f'{each} images' for each in missing) or 'nothing'}."


def atlas_figure() -> Figure:
    """Draw the Fisher measure that agrees best beside Taskonomy's affinities."""
    name = best_fisher(agreements())
    assert name is not None
    values = nearness()[name]
    return atlas(
        {f"{name}, synthetic rooms": values[:, :, : len(TASKS)].mean(0), "Taskonomy's affinities": affinities()},
        "Which dense tasks lie near each other",
        f"Rank of each source for each target (1 is the nearest, dark), mean over {len(values)} seeds on the left; the "
        "trees are average linkage of the ranks in both directions. Left: synthetic rooms and tiny networks; of the "
        "measures that read the Fisher or its dual, the one that agrees best with the right side. Right: Zamir et al. "
        "2018, first order, real houses.",
    )
