"""The outcome of an adaptation as a short table that a person can act on."""

import math
from collections.abc import Mapping
from statistics import mean, stdev

import yaml
from rich.console import Console
from rich.table import Table

from taskzoo.params import CostName
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
# How each cost of one inference on one image is told: a factor, and words around the number.
COSTS: Mapping[CostName, tuple[float, str]] = {
    "parameters": (1, "{:,.0f} parameters"),
    "macs": (1e-6, "{:.1f} M MACs"),
    "memory": (1e-6, "{:.1f} MB of memory"),
    "latency": (1, "{:.3g} ms of latency"),
    "energy": (1, "{:.3g} J of energy"),
    "peak_power": (1, "{:.3g} W of peak power"),
}


def show(outcome: Outcome, console: Console) -> None:
    """Print sources, accuracies, the chosen network, and where to look next."""
    console.print(_sources(outcome))
    console.print(outcome.advice.recommendation.reason)
    console.print(outcome.advice.narrowing.reason)
    console.print(_accuracies(outcome))
    console.print(_finalists(outcome))
    console.print(
        f"Chosen network: {FINALISTS[outcome.finalist]}; {_costs(outcome.metrics)}; {outcome.start}; "
        f"test {outcome.score} {outcome.metrics['tuned_test_accuracy']:.3f} (one network, all training images)."
    )
    console.print(
        f"In the UI: `make ui`, Models, {outcome.name} ({outcome.uri}). "
        f"Keep the data set's version: git add targets/{outcome.name}/data.dvc"
    )
    console.print("To make it part of `dvc repro`, add to params.yaml:", highlight=False)
    dataset = outcome.dataset.model_dump(exclude_defaults=True)
    target = {"target": outcome.target} if outcome.target else {}
    for section, entry in (("datasets", dataset), ("tasks", {"dataset": outcome.name, **target})):
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
            str(row.classes or ""),
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
    table = Table(title=f"Test {outcome.score} after few-shot fine-tuning ({draws} draws of images)")
    table.add_column("starting from")
    table.add_column("source")
    table.add_column(outcome.score, justify="right")
    for row in outcome.comparison.transfers:
        table.add_row(ARMS[row.arm], row.source, f"{mean(row.accuracies):.3f} +- {stdev(row.accuracies):.3f}")
    return table


def _finalists(outcome: Outcome) -> Table:
    """Return the networks that were compared, and whose architecture was inherited."""
    inherited, metrics = outcome.advice.inherited, outcome.metrics
    table = Table(title=f"{outcome.score.capitalize()} on validation images")
    table.add_column("network")
    table.add_column(outcome.score, justify="right")
    table.add_column("chosen")
    for name, words in FINALISTS.items():
        if f"{name}_val_accuracy" in metrics:
            chosen = "yes" if name == outcome.finalist else ""
            table.add_row(words, f"{metrics[f'{name}_val_accuracy']:.3f}", chosen)
    if inherited is not None:
        known = "" if "inherited_val_accuracy" in metrics else ", which is among these already"
        table.caption = f"Inherited: the best architecture of {inherited.source}{known}"
    return table


def _costs(metrics: Mapping[str, float]) -> str:
    """Return what a network costs, with units."""
    return ", ".join(words.format(metrics[cost] * scale) for cost, (scale, words) in COSTS.items() if cost in metrics)
