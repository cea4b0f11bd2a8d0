"""What a person is told in the end."""

from io import StringIO

import pytest
from rich.console import Console

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import DatasetParams, RecommendParams
from taskzoo.recommend.advice import Advice, advise
from taskzoo.recommend.comparison import Comparison, Transfer
from taskzoo.workflow.adapting import Outcome
from taskzoo.workflow.outcome import show
from tests.recommend.columns import column

VALUES = {"near": [0.1, 0.1], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
PARAMS = RecommendParams(measure="ftd", confidence=0.75)
METRICS = {
    "searched_val_accuracy": 0.75,
    "backbone_val_accuracy": 0.5,
    "tuned_val_accuracy": 0.875,
    "tuned_test_accuracy": 0.625,
    "parameters": 1234567.0,
    "macs": 4567890.0,
}
INHERITED = {"inherited_val_accuracy": 0.875}


def told(advice: Advice, metrics: dict[str, float]) -> str:
    """Return what is printed of an outcome, in one line."""
    transfers = [Transfer(arm="recommended", source="near", accuracies=[0.8, 0.9])]
    outcome = Outcome(
        name="t",
        advice=advice,
        comparison=Comparison(target="t", transfers=transfers, trials=[]),
        start="fine-tuned from near",
        finalist="inherited" if "inherited_val_accuracy" in metrics else "searched",
        metrics=metrics,
        uri="sqlite:///mlflow.db",
        dataset=DatasetParams(path="images"),
        target="",
        score="accuracy",
    )
    printed = StringIO()
    show(outcome, Console(file=printed, width=200))
    return " ".join(printed.getvalue().split())


def advice(option: str) -> Advice:
    """Return advice from elites that use one option; only that named "op" is of the space."""
    elites = {"near": [{option: "skip"}], "far": [{option: "pool"}]}
    return advise(column({"ftd": VALUES}), elites, {"op": ["skip", "pool", "sep"]}, PARAMS, explore=0.25)


def test_an_inherited_network_is_told_with_its_source() -> None:
    text = told(advice("op"), METRICS | INHERITED)
    assert "Inherited: the best architecture of near " in text
    assert "the best architecture found, trained with care │ 0.750 │ │" in text
    assert "the best architecture of the recommended source, unchanged, trained with care │ 0.875 │ yes │" in text
    assert "Chosen network: the best architecture of the recommended source, unchanged, trained with care; " in text


def test_one_that_was_found_too_is_told_as_such() -> None:
    assert "Inherited: the best architecture of near, which is among these already" in told(advice("op"), METRICS)


def test_where_nothing_is_inherited_nothing_is_told_of_it() -> None:
    text = told(advice("depth"), METRICS)
    assert "nherited" not in text
    assert "the elites of near are of another space" in text


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({}, "1,234,567 parameters, 4.6 M MACs; fine-tuned from near; test accuracy 0.625"),
        ({"memory": 3_210_000.0, "latency": 1.2345}, "4.6 M MACs, 3.2 MB of memory, 1.23 ms of latency; fine-tuned"),
        ({"energy": 0.012345, "peak_power": 81.26}, "4.6 M MACs, 0.0123 J of energy, 81.3 W of peak power; fine-tuned"),
    ],
)
def test_costs_that_were_measured_have_units(measured: dict[str, float], words: str) -> None:
    assert words in told(advice("op"), METRICS | measured)
