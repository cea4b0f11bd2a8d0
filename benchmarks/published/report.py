"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.markdown import table, where
from benchmarks.published.agreement import Array, nearest, rank_correlation
from benchmarks.published.evaluate import Found, among_published
from benchmarks.published.settings import EPS, HERE, SEEDS, zoo

FIGURE = "docs/images/published.png"


def page(found: Sequence[Found], figures: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown page.

    Args:
        found: Sets and families.
        figures: The headline.
        environments: Where it was measured.

    Returns:
        The whole text.
    """
    parts = [
        (HERE / "introduction.md").read_text().rstrip(),
        f"![The measured matrices beside the published ones](../../{FIGURE})",
        "## Against the goals",
        *goals(figures),
        "## What disappoints",
        "\n".join(f"- {line}" for line in disappointments(found, figures)),
        *(_section(each) for each in found),
        "## Where",
        *where(environments),
    ]
    return "\n\n".join(parts) + "\n"


def goals(figures: Mapping[str, Any]) -> list[str]:
    """Return a table of what agrees with the papers, and a sentence on the goal."""
    rows = [
        _goal(paper, family, how, one)
        for paper, key in (("FTD", "ftd"), ("LD-NAS", "ld-nas"))
        for family, one in figures[key].items()
        for how in ("definition", "scripts")
    ]
    head = [
        "paper",
        "network",
        "computed",
        "published minima found",
        "on fresh seeds",
        "in single seeds",
        "Spearman with the published means",
        "seeds",
    ]
    chance = "A blind choice finds a third of FTD's minima (2.7 of 8) and a seventh of LD-NAS's (1.1 of 8)."
    goal = (
        f"The goal is {figures['goal']}, computed as the papers' scripts do: {'met' if figures['met'] else 'not met'}"
    )
    return [table(head, rows), f"{goal}. {chance}"]


def _goal(paper: str, family: str, how: str, figures: Mapping[str, Any]) -> list[str]:
    one = figures[how]
    correlations = "; ".join(f"{name} {_with_interval(*value)}" for name, value in one["spearman"].items())
    share = "" if one["share_of_seeds"] is None else f"{one['share_of_seeds']:.0%}"
    words = {"definition": "by the definition", "scripts": "as the scripts do"}[how]
    minima = f"{one['agree']} of {figures['targets']}"
    fresh = figures["fresh"]
    again = (
        f"{fresh['agree']} of {figures['targets']} ({fresh['seeds']})" if fresh["seeds"] and how == "scripts" else ""
    )
    return [paper, family, words, minima, again, share, correlations, str(figures["seeds"])]


def disappointments(found: Sequence[Found], figures: Mapping[str, Any]) -> list[str]:
    """Return one plain sentence for each target and figure that falls short."""
    lines = [
        line
        for each in found
        for variant in (each.paper.measure, each.scripts)
        for line in (*_missed(each, variant), *_unlike(each, variant))
    ]
    lines += _below_eps(found)
    unfinished = [family for family, one in figures["ftd"].items() if one["seeds"] < SEEDS]
    if unfinished:
        lines.append(f"Fewer than {SEEDS} seeds have been measured with {', '.join(unfinished)}.")
    return lines or ["Nothing: every published minimum was found, by probes that all reach 1 - eps."]


def _missed(found: Found, variant: str) -> list[str]:
    """Return a sentence for each target whose nearest source is not the published one."""
    names, mean, shares = found.paper.tasks, found.mean_of(variant), found.seed_shares(variant)
    return [
        f"{found.name}, {found.family}, `{variant}`: the nearest source of {names[target]} is {names[here]} "
        f"({mean[here, target]:.3f}), not the published {names[wanted]} ({mean[wanted, target]:.3f}), which is nearest "
        f"in {shares[target]:.0%} of the seeds."
        for target, (here, wanted) in enumerate(zip(nearest(mean), found.published_nearest, strict=True))
        if here != wanted
    ]


def _unlike(found: Found, variant: str) -> list[str]:
    """Return a sentence where the published networks' matrices are more alike than this one is to theirs."""
    among, (own, *_) = among_published(found.paper), found.correlation(variant)
    if not among or own >= among[0]:
        return []
    return [
        f"{found.name}, {found.family}, `{variant}`: the rank correlation with the published mean is {own:.2f}; the "
        f"published networks have {among[0]:.2f} or more with each other."
    ]


def _below_eps(found: Sequence[Found]) -> list[str]:
    """Return a sentence for each family whose probes are not all eps-approximation networks."""
    lines = []
    for family in dict.fromkeys(each.family for each in found):
        reached = {task: each.reached[task] for each in found if each.family == family for task in each.paper.tasks}
        short = ", ".join(f"{task} {share:.0%}" for task, share in reached.items() if share < 1)
        if short:
            lines.append(f"{family}: not all probes are eps-approximation networks, but of {short}.")
    return lines


def _section(found: Found) -> str:
    return "\n\n".join(
        [
            f"## {found.name}, {found.family}",
            _facts(found),
            _matrix(found),
            _choices(found),
            _variants(found),
        ]
    )


def _facts(found: Found) -> str:
    tasks = found.paper.tasks
    eps = sorted({EPS[zoo().tasks[name].dataset] for name in tasks})
    accuracies = ", ".join(f"{name} {found.accuracy[name]:.3f}" for name in tasks)
    published = found.paper.networks
    ours = ", ".join(
        f"{name} {rank_correlation(found.mean, np.array(network.mean)):.2f}" for name, network in published.items()
    )
    among = among_published(found.paper)
    between = f" (the published networks with each other: {among[0]:.2f} to {among[-1]:.2f})" if among else ""
    return (
        f"{found.paper.paper}. `{found.paper.measure}`; seeds: {len(found.values)}. Validation accuracy of the probes: "
        f"{accuracies}; wanted 1 - eps with eps {' and '.join(map(str, eps))}. Spearman with {ours}{between}."
    )


def _matrix(found: Found) -> str:
    names, mean, published = found.paper.tasks, found.mean, found.paper.mean()
    spread = found.values.std(0, ddof=1) if len(found.values) > 1 else None
    here, there = nearest(mean), found.published_nearest
    rows = []
    for source, name in enumerate(names):
        cells = [name]
        for target in range(len(names)):
            ours = f"{mean[source, target]:.3f}" + ("" if spread is None else f" ± {spread[source, target]:.3f}")
            theirs = f"[{published[source, target]:.3f}]"
            ours = f"**{ours}**" if here[target] == source else ours
            theirs = f"*{theirs}*" if there[target] == source else theirs
            cells.append("" if source == target else f"{ours} {theirs}")
        rows.append(cells)
    return table(["source \\ target", *names], rows)


def _choices(found: Found) -> str:
    names = found.paper.tasks
    rows = [[target, names[wanted]] for target, wanted in zip(names, found.published_nearest, strict=True)]
    for variant in (found.paper.measure, found.scripts):
        chosen = zip(nearest(found.mean_of(variant)), found.seed_shares(variant), strict=True)
        for row, (here, share) in zip(rows, chosen, strict=True):
            row += [names[here], f"{share:.0%}"]
    head = [one for variant in (found.paper.measure, found.scripts) for one in (f"by `{variant}`", "in single seeds")]
    return table(["target", "nearest published", *head], rows)


def _variants(found: Found) -> str:
    published = found.paper.mean()
    rows = [["*published*", f"{_off_diagonal(published):.3f}", "", "", ""]]
    definition = found.cubes["ftd"].mean(0)
    for name, values in found.cubes.items():
        mean = values.mean(0)
        agrees = sum(found.agrees(name))
        own = rank_correlation(mean, definition)
        cells = [f"{_off_diagonal(mean):.3g}", f"{agrees} of {len(mean)}", _with_interval(*found.correlation(name))]
        rows.append([f"**{name}**" if name in {found.paper.measure, found.scripts} else name, *cells, f"{own:.2f}"])
    return table(["variant", "mean distance", "published minima", "Spearman with published", "with `ftd`"], rows)


def _off_diagonal(matrix: Array) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:.2f}" if low == high else f"{value:.2f} [{low:.2f}, {high:.2f}]"
