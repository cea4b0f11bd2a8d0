"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.markdown import table, where
from benchmarks.transfer.ablation import USUAL, VARIANTS
from benchmarks.transfer.abstention import THRESHOLD, Choices, calibration, choices
from benchmarks.transfer.costs import Costs, passes
from benchmarks.transfer.evaluate import Evaluation, paired
from benchmarks.transfer.headline import HALVED, excess
from benchmarks.transfer.metrics import POOLS, interval
from benchmarks.transfer.recommender import DEFAULT
from benchmarks.transfer.settings import HERE

CONTROLS = (
    *(
        "random",
        "source_mean",
        "source_mean_other_data",
        "same_data_set",
        "pixel_statistics",
        "likeness",
        "pixel_likeness",
    ),
    *("source_accuracy", "class_count", "data_set_size"),
)
FIGURE = "docs/images/abstention.png"
HEAD = (
    "measure | tau, all | tau, other | residual | regret, all | regret@3 | regret, other | not worse, all | other | "
    "default better by, all | other"
)
COSTS = " | seconds | passes"


def page(evaluations: Sequence[Evaluation], environments: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown page.

    Args:
        evaluations: Of probes and regimes.
        environments: Where it was measured.

    Returns:
        The whole text.
    """
    parts = [
        (HERE / "introduction.md").read_text().rstrip(),
        f"![Risk against coverage](../../{FIGURE})",
        *(_section(each) for each in evaluations),
        "## Where",
        *where(environments),
    ]
    return "\n\n".join(parts) + "\n"


def _section(found: Evaluation) -> str:
    truth = found.truth
    gains = truth.gain[:, :-1]
    best = np.nanmax(truth.mean, axis=1)
    ceiling = found.ceilings
    lines = [
        f"## {found.setting}, {found.regime}",
        "",
        f"{len(truth.targets)} targets, {truth.values.shape[2]} draws. Accuracy from the initial state "
        f"{truth.mean[:, -1].mean():.3f}, from the mean source {np.nanmean(truth.mean[:, :-1]):.3f}, from the best "
        f"{best.mean():.3f}; {np.nanmean(gains < 0):.0%} of the transfers are negative.",
        "",
    ]
    if ceiling:
        lines += [
            f"Variance of one draw within a target: source {ceiling['share_source']:.2f}, interaction "
            f"{ceiling['share_interaction']:.2f}, noise {ceiling['share_noise']:.2f}. Split-half rank correlation "
            f"{ceiling['split_half']:.2f}, reliability of the mean {ceiling['reliability']:.2f}, attainable "
            f"correlation {ceiling['attainable']:.2f}. A chooser that fine-tuned from every source on half of the "
            f"draws and read the test set reaches tau {ceiling['oracle_tau_all']:.2f} (other "
            f"{ceiling['oracle_tau_other']:.2f}) and regret {100 * ceiling['oracle_regret_all']:.1f} (other "
            f"{100 * ceiling['oracle_regret_other']:.1f}) on the other half. One who knew the true means would show "
            f"tau {ceiling['perfect_tau_all']:.2f} (other {ceiling['perfect_tau_other']:.2f}) and regret "
            f"{100 * ceiling['perfect_regret_all']:.2f} (other {100 * ceiling['perfect_regret_other']:.2f}); above "
            f"that regret are, in points, {_above_perfect(found)}.",
            "",
        ]
    if found.costs is not None:
        lines += [_beside(found.costs), ""]
    head = HEAD if found.costs is None else HEAD + COSTS
    names = sorted(found.figures, key=lambda name: -float(found.figures[name]["tau_all"].mean()))
    lines.append(table(head.split(" | "), [_row(found, name) for name in names]))
    return "\n".join([*lines, *_abstention(found), *_ablation(found), *_penalties(found)])


def _ablation(found: Evaluation) -> list[str]:
    """Return what other kernels than the default's would have come to."""
    if not found.variants:
        return []
    head = "kernel | evidence: tau, all | other | regret, all | leave-one-out: tau, all | other | regret, all"
    rows = []
    for name in VARIANTS:
        cells = [f"**{name}**" if name == USUAL else name]
        for how in ("evidence", "loo"):
            values = found.variants[f"{name} {how}"]
            cells += [_with_interval(values[f"tau_{pool}"]) for pool in POOLS]
            cells.append(f"{100 * values['regret_all'].mean():.1f}")
        rows.append(cells)
    return [
        "",
        "What the Fisher kernel is made of (features and gradients; `python -m benchmarks.transfer.ablation`): "
        "*random r*, r random directions of the features are differentiated; *first half*, *second half* of the "
        "tensors; *not weighed*, tensors of unequal trace; *fitted head*, along a head fitted to the labels; "
        "*log-likelihood*, of the labels under that head; *gradients alone*, without the features.",
        "",
        table(head.split(" | "), rows),
    ]


def _penalties(found: Evaluation) -> list[str]:
    """Return how well the default's kernel predicts at fixed penalties."""
    if not found.penalised:
        return []
    rows = [
        [f"tau, {pool}", *(_with_interval(values[f"tau_{pool}"]) for values in found.penalised.values())]
        for pool in POOLS
    ]
    return [
        "",
        "The leave-one-out R^2 of the Fisher kernel at fixed penalties, as shares of its mean diagonal, and its "
        "evidence on the same images (`python -m benchmarks.transfer.penalties`):",
        "",
        table(["penalty", *found.penalised], rows),
    ]


def _abstention(found: Evaluation) -> list[str]:
    """Return what answering always, never, and at the default threshold come to."""
    if found.answers is None:
        return []
    head = "pool | answers | coverage | of these, negative transfer | mean gain, points | best possible"
    rows = []
    first = choices(found.truth, found.answers)
    for pool, each in first.items():
        for label, threshold in (("always", 0.0), (f"at P >= {THRESHOLD:g}", THRESHOLD), ("never", 2.0)):
            here = each.at(threshold)
            risk = "" if np.isnan(here["risk"]) else f"{here['risk']:.1%}"
            points = [f"{100 * value:.1f}" for value in (here["gain"], each.oracle.mean())]
            rows.append([pool, label, f"{here['coverage']:.0%}", risk, *points])
    said = "; ".join(
        f"{probability:.2f}: {share:.2f} ({count})"
        for probability, share, count in calibration(found.truth, found.answers)
    )
    return [
        "",
        "Answering and abstaining, and how true the probabilities of a gain are (mean said, share that gained, number "
        f"of sources): {said}. Of the first choices alone: {_promised(first)}.",
        "",
        table(head.split(" | "), rows),
    ]


def _promised(first: Mapping[str, Choices]) -> str:
    """Return what is said of the gains of first choices, and how many are not worse than no transfer."""
    told = ((pool, *each.promised()) for pool, each in first.items())
    return ", ".join(f"{said:.2f} said, {kept:.2f} not worse ({pool})" for pool, said, kept in told)


def _above_perfect(found: Evaluation) -> str:
    """Return by how much the regrets of the default and of the rivals to be halved are above a perfect chooser's."""
    return ", ".join(
        f"{name} {100 * excess(found, name, 'all'):.2f} (other {100 * excess(found, name, 'other'):.2f})"
        for name in (DEFAULT, *HALVED)
        if name in found.figures
    )


def _row(found: Evaluation, name: str) -> list[str]:
    values = found.figures[name]
    label = f"**{name}**" if name == DEFAULT else f"*{name}*" if name in CONTROLS else name
    return [
        label,
        _with_interval(values["tau_all"]),
        _with_interval(values["tau_other"]),
        "" if name.startswith("source_mean") else f"{values['tau_residual'].mean():.2f}",
        _with_interval(100 * values["regret_all"], 1),
        f"{100 * values['regret3_all'].mean():z.1f}",
        _with_interval(100 * values["regret_other"], 1),
        f"{values['not_worse_all'].mean():.2f}",
        f"{values['not_worse_other'].mean():.2f}",
        *(_difference(found, name, f"tau_{pool}") for pool in POOLS),
        *([] if found.costs is None else _costs(found.costs, name)),
    ]


def _with_interval(values: Any, digits: int = 2) -> str:
    low, high = interval(values)
    return f"{values.mean():.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _difference(found: Evaluation, name: str, figure: str) -> str:
    if name == DEFAULT or DEFAULT not in found.figures:
        return ""
    mean, low, high = paired(found, name, figure)
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def _beside(costs: Costs) -> str:
    """Return what the seconds of the measures are to be compared with."""
    return (
        f"Fine-tuning from one source takes {costs.fine_tuning:.1f} seconds and {costs.fine_tuning_passes:.0f} passes "
        f"forward and backward over the target's images, without the test. Once a target, not counted below: its own "
        f"network, {costs.own_network:.1f} seconds, and Task2Vec's embedding, {costs.embedding:.1f} seconds."
    )


def _costs(costs: Costs, name: str) -> list[str]:
    """Return a row's last two cells; the likeness in the default is one subtraction of vectors."""
    measure = "fisher_kernel" if name == DEFAULT else name
    return [f"{costs.seconds[measure]:.3f}", passes(measure)] if measure in costs.seconds else ["", ""]
