"""The outcome of an adaptation as a short table that a person can act on."""

import math
from statistics import mean, stdev

import yaml
from rich.console import Console
from rich.table import Table

from taskzoo.recommend.recommendation import Recommendation
from taskzoo.search.finalists import FINALISTS
from taskzoo.workflow.adapting import Outcome

ARMS = {
    "recommended": "closest source",
    "random": "random source",
    "farthest": "farthest source",
    "no-transfer": "no transfer",
    "scratch": "random weights",
}


def show(outcome: Outcome, console: Console) -> None:
    """Print sources, accuracies, the chosen network, and where to look next."""
    console.print(_sources(outcome))
    console.print(outcome.advice.recommendation.reason)
    console.print(outcome.advice.narrowing.reason)
    console.print(_accuracies(outcome))
    metrics = outcome.metrics
    console.print(
        f"Chosen network: {FINALISTS[outcome.finalist]}; {metrics['parameters']:,.0f} parameters, "
        f"{metrics['macs'] / 1e6:.1f} M MACs, {outcome.start}; "
        f"validation accuracy {metrics['tuned_val_accuracy']:.3f}, test accuracy "
        f"{metrics['tuned_test_accuracy']:.3f} (one network, all training images)."
    )
    others = (
        f"{FINALISTS[name]} {metrics[f'{name}_val_accuracy']:.3f}"
        for name in FINALISTS
        if f"{name}_val_accuracy" in metrics
    )
    console.print(f"Compared on validation images: {'; '.join(others)}.")
    console.print(
        f"In the UI: `make ui`, Models, {outcome.name} ({outcome.uri}). "
        f"Keep the data set's version: git add targets/{outcome.name}/data.dvc"
    )
    console.print("To make it part of `dvc repro`, add to params.yaml:", highlight=False)
    group = {"group": outcome.group} if outcome.group else {}
    for section, entry in (("datasets", {"path": outcome.source, **group}), ("tasks", {"dataset": outcome.name})):
        line = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=math.inf).strip()
        console.print(f"  {section}:\n    {outcome.name}: {line}", highlight=False, markup=False, soft_wrap=True)


def _sources(outcome: Outcome) -> Table:
    """Return the ranking, with the other measures beside it."""
    recommendation = outcome.advice.recommendation
    direction = "lower" if recommendation.lower_is_closer else "higher"
    table = Table(title=f"Sources for {outcome.name}, best first ({direction} {recommendation.measure} is closer)")
    table.add_column("source")
    for heading in (
        "score",
        f"{recommendation.measure} [90 %]",
        "P(best)",
        "P(beats none)",
        "gain, points",
        "use",
        "classes",
        "unlikeness",
        "pixels",
        "ftd",
    ):
        table.add_column(heading, justify="right")
    for row in recommendation.candidates:
        table.add_row(
            row.source,
            f"{row.score:.2f}",
            f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]",
            f"{row.probability_best:.2f}",
            f"{row.probability_gain:.2f}",
            f"{100 * row.expected_gain:+.1f}",
            "yes" if row.source in recommendation.recommended else "",
            "" if row.classes is None else str(row.classes),
            *(
                f"{row.others[name]:.3f}" if name in row.others else ""
                for name in ("unlikeness", "pixel_unlikeness", "ftd")
            ),
        )
    for name, values in _yardsticks(recommendation).items():
        table.add_row(name, "", f"{mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]", style="dim")
    return table


def _yardsticks(recommendation: Recommendation) -> dict[str, list[float]]:
    """Return what the measure's numbers are read by: no transfer, the target itself, and labels without meaning."""
    found = {
        "no transfer": recommendation.start.values,
        "the target itself, trained anew": recommendation.references.itself,
        "labels permuted": recommendation.references.chance,
    }
    return {name: values for name, values in found.items() if values}


def _accuracies(outcome: Outcome) -> Table:
    """Return few-shot test accuracies, mean and standard deviation over draws."""
    draws = len(outcome.comparison.transfers[0].accuracies)
    table = Table(title=f"Test accuracy after few-shot fine-tuning ({draws} draws of images)")
    table.add_column("starting from")
    table.add_column("source")
    table.add_column("accuracy", justify="right")
    for row in outcome.comparison.transfers:
        table.add_row(ARMS[row.arm], row.source, f"{mean(row.accuracies):.3f} +- {stdev(row.accuracies):.3f}")
    return table
