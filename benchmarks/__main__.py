"""All results on one page: ``python -m benchmarks`` writes ``docs/results.md`` from the committed files.

It measures nothing; every section names the command that does, and the page with the details.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import area, fuse, large_zoo, monas, narrowing, naswot, targets
from benchmarks.markdown import table
from benchmarks.published import evaluate as published
from benchmarks.published import report as published_report
from benchmarks.rows import read
from benchmarks.supernets import report as supernets_report
from benchmarks.transfer import report as transfer_report
from benchmarks.transfer.evaluate import Evaluation, evaluations
from benchmarks.transfer.metrics import POOLS
from benchmarks.transfer.settings import DRAWS, REGIMES, settings, zoo
from taskzoo.files import write_text
from taskzoo.search.strategies.by_score import POPULATION

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
            [
                HEAD,
                *_transfer(cells),
                *_published(),
                *_narrowing(),
                *_targets(),
                *_fuse(),
                *_naswot(),
                *_area(),
                *_monas(),
                *supernets_report.section(),
                *_large_zoo(),
            ]
        )
        + "\n"
    )


def _transfer(cells: Sequence[Evaluation]) -> Iterator[str]:
    """Yield what predicts transfer, cell by cell."""
    figures = transfer_report.headline(cells)
    yield "## Which past task transfers best?"
    yield (
        f"{len(zoo().tasks)} targets, each learned from all others and from the initial state itself: how well the "
        "recommender's score orders the sources (weighted Kendall tau), what following it loses (regret, accuracy "
        "points), and how often its answers hurt. *all*: every source; *other*: only those of other data sets. "
        "Intervals are of the paired difference to the strongest rival or control, 90 %, over targets. Measured by "
        "`python -m benchmarks.transfer`; every measure and control is in "
        "[benchmarks/transfer](../benchmarks/transfer/README.md)."
    )
    rows = []
    for cell in cells:
        entry = figures.get(f"{cell.setting}-{cell.regime}")
        draws = f"{cell.truth.values.shape[2]} of {DRAWS}"
        if entry is None:
            rows.append([cell.setting, cell.regime, draws, "not scored", *[""] * 7])
            continue
        for pool in POOLS:
            rows.append([cell.setting, cell.regime, draws, pool, *_row(cell, pool, entry[pool])])
    head = (
        "probe | regime | draws | sources | tau | strongest rival | its tau | better by | regret | answers | that hurt"
    )
    yield table(head.split(" | "), rows)
    missing = [
        f"{s} {r}" for r in REGIMES for s in settings() if not any((c.setting, c.regime) == (s, r) for c in cells)
    ]
    yield (
        f"Goals, {'all met' if figures['met'] else 'not all met'}: above every rival and control on the full pool with "
        "an interval without zero, not below any on the other, half the regret of LEEP, LogME and ridge, answers that "
        f"hurt below 5 %. Not measured yet: {', '.join(missing) or 'nothing'}."
    )
    if any(cell.answers is not None for cell in cells):
        yield f"![Risk against coverage](../{transfer_report.FIGURE})"


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


def _narrowing() -> Iterator[str]:
    """Yield what narrowing spares a search."""
    found = narrowing.headline()
    yield "## What narrowing spares a search"
    yield (
        "All cells of NAS-Bench-201: regret in test accuracy (points) after "
        f"{narrowing.TRIALS} evaluations with its standard error, and in brackets after a tenth of them; mean over "
        "seeds. "
        + "; ".join(f"*{arm}*: {text}" for arm, text in narrowing.ARMS.items())
        + ". The last column is after how many evaluations the narrowed search is as good as the full one in the end; "
        "the goal is a tenth. naswot, area and fuse need images, which a table has not. Measured by `python -m "
        "benchmarks.narrowing`."
    )
    lines = [[name, *narrowing.cells(each)] for name, each in found["cells"].items()]
    yield table(["strategy and data set", "seeds", *narrowing.ARMS, "needed"], lines)


def _targets() -> Iterator[str]:
    """Yield what narrowing is worth on real targets, beside what a person would do instead."""
    found = targets.headline(read(targets.RUNS, targets.COLUMNS))
    yield "## Search for real targets, at equal time"
    if not found["cells"]:
        yield "`python -m benchmarks.targets` has not been run."
        return
    yield (
        f"Every run has {targets.SECONDS:g} processor seconds in all, {targets.TRAIN} training images at 64x64 and the "
        "pretrained EfficientNet-Lite0; searches spend half of them on cells on its frozen trunk, the rest on training "
        "what they found, whole. Sources are of other data sets. Test accuracy in percent, mean and spread over "
        "seeds. " + "; ".join(f"*{arm}*: {text}" for arm, text in targets.ARMS.items()) + ". Measured by `python -m "
        "benchmarks.targets`, beside other work on both cores, which the processor's clock does not count."
    )
    yield table(targets.HEAD, targets.lines(found))
    ahead = "; ".join(f"{arm} {mean:+.1f} ± {error:.1f}" for arm, (mean, error) in found["narrowed_ahead_of"].items())
    yield (
        f"The narrowed search is ahead by (points, with standard error over {found['runs']} targets and seeds): "
        f"{ahead}."
    )


def _fuse() -> Iterator[str]:
    """Yield what FUSE finds among the cells of NAS-Bench-201."""
    found = fuse.summary()
    yield "## FUSE among the cells of NAS-Bench-201"
    if not found["test"]:
        yield "`python -m benchmarks.fuse` has not been run."
        return
    yield (
        f"Searches of {fuse.TRIALS} short trainings of small networks of the cells, on {fuse.TRAIN} images of CIFAR-10 "
        "at 16x16; judged by the table's test accuracy of the answer after 200 epochs, which no search sees. All cells "
        f"have {found['mean_test']:.1f} % in the mean. Measured by `python -m benchmarks.fuse`."
    )
    lines = [[name, str(count), f"{mean:.2f} ± {error:.2f}"] for name, (mean, error, count) in found["test"].items()]
    yield table(["strategy", "searches", "test, % (mean, standard error)"], lines)


def _naswot() -> Iterator[str]:
    """Yield what an untrained network's score says of its trained accuracy."""
    found = naswot.headline(read(naswot.SCORES, naswot.COLUMNS))
    yield "## What NASWOT's score says"
    if "tau" not in found:
        yield "`python -m benchmarks.naswot` has not been run."
        return
    taus = "; ".join(
        f"{name}: {each['test']:.3f} (12 epochs, validation: {each['validation_12_epochs']:.3f}; published: "
        f"{each['published']:.3f})"
        for name, each in found["tau"].items()
    )
    yield (
        f"{found['networks']} of {naswot.NETWORKS} random cells of NAS-Bench-201, one batch of {naswot.BATCH} training "
        f"images of CIFAR-10. Kendall's tau of the score to the test accuracy after 200 epochs, {taus}. "
        f"{found['without_score']} cells cannot tell two images apart. A score takes {found['passes']:.2f} times one "
        "forward pass of the same network. Measured by `python -m benchmarks.naswot`."
    )
    lines = [
        [count, f"{each['mean']:.2f} ± {each['std']:.2f}", f"{each['paper']:.2f}"]
        for count, each in found["search"].items()
    ]
    yield f"Test accuracy on CIFAR-10 of the best score among N drawn, {naswot.DRAWS} times:"
    yield table(["N", "measured", "published"], lines)


def _area() -> Iterator[str]:
    """Yield what the score is worth to evolution."""
    found = area.headline()
    yield "### AREA"
    yield (
        f"Evolution whose first {POPULATION} cells are the better half, by score, of twice as many, beside "
        "evolution and random search at equal trainings: test accuracy (percent) of what a search answers, mean ± "
        "standard deviation over seeds. Searches see validation accuracies after 12 epochs; the published figures are "
        "of trainings of 200 epochs, for 12,000 seconds. Measured by `python -m benchmarks.area`; its goal, AREA ahead "
        f"of evolution after 20 trainings and nowhere behind, is {'met' if found['met'] else 'not met'}."
    )
    yield table(area.HEAD, area.lines(found))


def _monas() -> Iterator[str]:
    """Yield what MONAS and its rewards find."""
    found = monas.headline()
    yield "## What MONAS finds"
    if not monas.BOUNDS.exists():
        yield "`python -m benchmarks.monas` has not been run."
        return
    best = json.loads(monas.BOUNDS.read_text())
    yield (
        "All cells of NAS-Bench-201, CIFAR-10; searches see validation accuracies after 12 epochs. Means ± standard "
        f"deviations over seeds; {monas.SEEDS} are planned. Measured by `python -m benchmarks.monas`; its goals, MONAS "
        "above random search, its limit always met, NSGA-II and the sweep above random search's front, are "
        f"{'all met' if found['met'] else 'not all met'}."
    )
    notes = (
        "Test accuracy (percent) after 200 epochs of the cell whose validation accuracy is best:",
        f"The reward is the validation accuracy below {monas.LIMIT / 1e6:.0f} million multiply-accumulates, and 0 "
        f"from there; {best['below']:.0%} of the cells are below, and the best of them has "
        f"{best['validation_below']:.2f}. The share of the searches that answer with a cell below, and these cells' "
        "validation accuracy:",
        "Hypervolume of validation accuracy and multiply-accumulates (as a share of the largest cell's) that "
        f"{monas.BUDGETS[-1]} evaluations find. The true front, of {best['front']} cells, has {best['volume']:.4f}. "
        f"*monas* is a sweep of {len(monas.WEIGHTS)} searches with the mixed reward, the accuracy's weight "
        f"{', '.join(map(str, monas.WEIGHTS))}, a fifth of the evaluations each:",
    )
    for note, (_, head, lines) in zip(notes, monas.tables(found), strict=True):
        yield note
        yield table(head, lines)


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
