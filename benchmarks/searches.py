"""The sections of the results' page that are about searches."""

import json
from collections.abc import Iterator

from benchmarks import area, fuse, monas, narrowing, naswot
from benchmarks.markdown import table
from benchmarks.rows import read
from benchmarks.supernets import report as supernets_report
from benchmarks.targets import measure as targets
from benchmarks.targets import report as targets_report
from taskzoo.search.strategies.by_score import POPULATION


def sections() -> Iterator[str]:
    """Yield all of them."""
    for section in (_narrowing, _targets, _fuse, _naswot, _area, _monas, supernets_report.section):
        yield from section()


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
    yield (
        "What bounds a narrowed search that stays in its part: the regret of the cell that validation after 12 epochs "
        "prefers of all that narrowing leaves. "
        + "; ".join(
            f"{target}: {each['regret']:.2f} ± {each['error']:.2f} ({each['cells']:.0f} cells)"
            for target, each in found["best_of_narrowed"].items()
        )
        + ". A search of the whole space that ends below is reached later, if at all: when the narrowed one looks at "
        "the whole space, too, or by luck, where a cell that validation likes less is better."
    )


def _targets() -> Iterator[str]:
    """Yield what narrowing is worth on real targets, beside what a person would do instead."""
    found = targets_report.headline(targets.read_runs())
    yield "## Search for real targets, at equal time"
    if not found["cells"]:
        yield "`python -m benchmarks.targets` has not been run."
        return
    yield (
        f"Every run has {targets.SECONDS:g} processor seconds in all, {targets.TRAIN} training images at 64x64 and the "
        f"pretrained EfficientNet-Lite0; the search of all cells on its frozen trunk spends {targets.WHOLE:.0%} of "
        f"them, a narrowed one {targets.TENTH:.0%} of that. What is left, all of it in the last two arms, trains the "
        "top first and then the whole: the better on validation images is tested. "
        f"{found['done']} of {found['planned']} runs are done. Sources are of other data sets. Test accuracy in "
        "percent, mean and spread over "
        "seeds. " + "; ".join(f"*{arm}*: {text}" for arm, text in targets.ARMS.items()) + ". Measured by `python -m "
        "benchmarks.targets`, beside other work on both cores, which the processor's clock does not count."
    )
    yield table(targets_report.HEAD, targets_report.lines(found))
    ahead = "; ".join(
        f"{arm} {mean:+.1f}" + ("" if error is None else f" ± {error:.1f}")
        for arm, (mean, error) in found["narrowed_ahead_of"].items()
    )
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
        f"have {found['mean_test']:.1f} % in the mean. *fuse*: the last incumbent, which is the published answer; "
        "*fuse_best*: of all its incumbents, each trained alone, the best on validation images, which is what the "
        "product keeps. Measured by `python -m benchmarks.fuse`."
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
