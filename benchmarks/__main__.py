"""All results on one page: ``python -m benchmarks`` writes ``docs/results.md`` from the committed files.

It measures nothing; every section names the command that does, and the page with the details.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import large_zoo, searches
from benchmarks.dense import report as dense_report
from benchmarks.markdown import table
from benchmarks.published import evaluate as published
from benchmarks.published import report as published_report
from benchmarks.transfer import report as transfer_report
from benchmarks.transfer.evaluate import Evaluation, evaluations
from benchmarks.transfer.headline import headline
from benchmarks.transfer.metrics import POOLS
from benchmarks.transfer.settings import PROBES, REGIMES, zoo
from taskzoo.files import write_text

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/results.md"
HEAD = """# Results

Made by `python -m benchmarks` from the files in `benchmarks/results`; do not edit. What disappoints stands here too."""


def page(cells: Sequence[Evaluation]) -> str:
    """Return the Markdown page.

    Args:
        cells: Of the transfer benchmark, those that were measured.

    Returns:
        The whole text.
    """
    return (
        "\n\n".join(
            [HEAD, *_transfer(cells), *dense_report.section(), *_published(), *searches.sections(), *_large_zoo()]
        )
        + "\n"
    )


def _transfer(cells: Sequence[Evaluation]) -> Iterator[str]:
    """Yield what predicts transfer, cell by cell."""
    figures = headline(cells)
    yield "## Which past task transfers best?"
    yield (
        f"{len(zoo().names(unseen=False))} targets, each learned from all others and from the initial state itself, "
        f"and (*unseen*) {len(zoo().names(unseen=True))} of {len(zoo().unseen)} data sets that had no say in what the "
        "recommender is, answered by the product as it comes, with no transfer on record: how well the "
        "recommender's score orders the sources (weighted Kendall tau), what following it loses (regret, accuracy "
        "points), and how often its answers hurt. *all*: every source; *other*: only those of other data sets. "
        "Intervals are of the paired difference to the strongest rival or control, 90 %, over targets. Measured by "
        "`python -m benchmarks.transfer`; every measure and control is in "
        "[benchmarks/transfer](../benchmarks/transfer/README.md)."
    )
    rows = []
    for cell in cells:
        entry = figures.get(f"{cell.setting}-{cell.regime}")
        draws = str(cell.truth.values.shape[2])
        if entry is None:
            rows.append([cell.setting, cell.regime, draws, "not scored", *[""] * 7])
            continue
        for pool in POOLS:
            rows.append([cell.setting, cell.regime, draws, pool, *_row(cell, pool, entry[pool])])
    head = (
        "probe | regime | draws | sources | tau | strongest rival | its tau | better by | regret | answers | that hurt"
    )
    yield table(head.split(" | "), rows)
    missing = [f"{s} {r}" for r in REGIMES for s in PROBES if not any((c.setting, c.regime) == (s, r) for c in cells)]
    yield (
        f"Goals, {'all met' if figures['met'] else 'not all met'}: above every rival and control on the full pool with "
        "an interval without zero, not below any on the other, regret above a perfect chooser's at most half of "
        "LEEP's, LogME's and ridge's, answers that hurt below 5 %. What one misses who tried every source tells how "
        "hard a goal is at this noise; it is no bound. "
        f"Not measured yet: {', '.join(missing) or 'nothing'}."
    )
    for name, entry in figures.items():
        if isinstance(entry, dict):
            yield from _judged(name.replace("-", ", "), entry)
    if any(cell.answers is not None for cell in cells):
        yield f"![Risk against coverage](../{transfer_report.FIGURE})"


def _judged(cell: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield which goals a cell misses, and how hard they are at its noise."""
    if entry.get("missed"):
        yield f"Missed by {cell}: {'; '.join(entry['missed'])}."
    if entry.get("unsettled"):
        yield (
            f"Of {cell} the noise leaves open, by an interval over targets, whether these are met: "
            f"{'; '.join(entry['unsettled'])}."
        )
    if entry.get("beyond_trying"):
        yield (
            f"A chooser that fine-tuned from every source on half of the draws of {cell}, and read the test set, "
            f"misses on the other half: {'; '.join(entry['beyond_trying'])}."
        )
    if entry.get("ahead"):
        yield f"Ahead of the recommender by an interval in {cell}: {'; '.join(entry['ahead'])}."


def _row(cell: Evaluation, pool: str, entry: Mapping[str, Any]) -> list[str]:
    low, high = entry["better_by"][1:]
    answered = entry["abstention"]
    ridge = 100 * float(np.mean(cell.figures["ridge_loo"][f"regret_{pool}"])) if "ridge_loo" in cell.figures else None
    return [
        f"{entry['tau']:.2f}",
        entry["best_rival"],
        f"{entry['rival_tau']:.2f}",
        f"{entry['better_by'][0]:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{entry['regret_points']:.1f}" + ("" if ridge is None else f" (ridge {ridge:.1f})"),
        f"{answered['coverage']:.0%}",
        "" if answered["risk"] is None else f"{answered['risk']:.1%}",
    ]


def _published() -> Iterator[str]:
    """Yield how far the papers' own matrices come out again."""
    found = published.evaluate()
    figures = published.headline(found)
    yield "## The published matrices, measured again at small scale"
    yield (
        "The nearest source of each target, and rank correlations with the published means. Measured by `python -m "
        "benchmarks.published`; the matrices, and what the reference code's defects do to them, are in "
        "[benchmarks/published](../benchmarks/published/README.md)."
    )
    yield from published_report.goals(figures)
    yield "### What disappoints"
    yield "\n".join(f"- {line}" for line in published_report.disappointments(found, figures))
    yield f"![The measured matrices beside the published ones](../{published_report.FIGURE})"


def _large_zoo() -> Iterator[str]:
    """Yield what ten thousand tasks cost."""
    yield "## A large zoo"
    if not large_zoo.RESULTS.exists():
        yield "`python -m benchmarks.large_zoo` has not been run."
        return
    found = json.loads(large_zoo.RESULTS.read_text())
    found.pop("environment")
    figures = large_zoo.headline(found)
    seconds = figures["seconds_to_shortlist"]
    yield (
        f"{found['tasks']:,} registered tasks (made up, without files). From a target's appearance to its shortlist of "
        f"{large_zoo.SHORTLIST}: {seconds['sqlite']:.2f} seconds over a sqlite file, {seconds['server']:.2f} over an "
        f"MLflow server; the first index takes {found['sqlite']['first_index']:.1f} and "
        f"{found['server']['first_index']:.1f} seconds. Registering one costs {1000 * found['register_seconds']:.0f} "
        "milliseconds (the store was filled beside other work on both cores)."
    )
    shares = list(next(iter(figures["best_survives"].values()), {}))
    yield (
        "How often the source that really is best is among the first of the coarse ranking (looks, number of classes "
        "and experience), by the share of the sources that is kept; every source of the transfer benchmark:"
    )
    rows = [[name, *(f"{of[share]:.0%}" for share in shares)] for name, of in figures["best_survives"].items()]
    yield table(["probe and regime", *shares], rows)


if __name__ == "__main__":
    write_text(PAGE, page(evaluations()))
