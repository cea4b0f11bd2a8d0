"""Transfers are recorded once, found again, and kept apart by probe."""

import pytest
from mlflow import MlflowClient

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.advice import advise
from taskzoo.recommend.comparison import Transfer
from taskzoo.recommend.experience import PastTransfer
from taskzoo.registry.store import Registry
from tests.recommend.columns import column

VALUES = {"near": [0.1, 0.1], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
ADVICE = advise(column({"ftd": VALUES}), {"near": [], "far": []}, RecommendParams(measure="ftd", confidence=0.75))
TRANSFERS = [
    Transfer(arm="recommended", source="near", accuracies=[0.8, 0.9]),
    Transfer(arm="random", source="far", accuracies=[0.5, 0.6]),
    Transfer(arm="farthest", source="far", accuracies=[0.5, 0.6]),
    Transfer(arm="no-transfer", source=NO_TRANSFER, accuracies=[0.6, 0.6]),
]


def test_they_are_recorded_once_and_come_back(registry: Registry) -> None:
    for _ in range(2):
        registry.log_recommendation("f", ADVICE, TRANSFERS)
    found = {each.source: each for each in registry.past_transfers("f")}
    assert set(found) == {"near", "far"}
    score = ADVICE.recommendation.candidate("near").score
    assert found["near"] == PastTransfer(target="t", source="near", score=score, gain=found["near"].gain)
    assert found["near"].gain == pytest.approx(0.25)
    assert found["far"].gain == pytest.approx(-0.05)
    assert registry.past_transfers("other") == []
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`taskzoo.stage` = 'transfer'")
    assert len(runs) == 2
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_transfer_that_was_run_again_counts_once_as_it_was_last(registry: Registry) -> None:
    registry.log_recommendation("f", ADVICE, TRANSFERS)
    better = TRANSFERS[0].model_copy(update={"accuracies": [1.0, 1.0]})
    registry.log_recommendation("f", ADVICE, [better, TRANSFERS[-1]])
    gains = {each.source: each.gain for each in registry.past_transfers("f")}
    assert gains == {"near": pytest.approx(0.4), "far": pytest.approx(-0.05)}


def test_the_recommendation_is_shown_with_all_that_its_numbers_are_read_by(registry: Registry) -> None:
    registry.log_recommendation("f", ADVICE, TRANSFERS)
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.`taskzoo.stage` = 'recommend'")
    assert run.data.params["recommended"] == "near"
    assert run.data.params["reason"] == ADVICE.recommendation.reason
    row = ADVICE.recommendation.candidate("far")
    assert run.data.metrics["probability_best.far"] == row.probability_best
    assert (run.data.metrics["low.far"], run.data.metrics["high.far"]) == (row.low, row.high)
    assert run.data.metrics["reference.itself"] == pytest.approx(0.05)
    assert run.data.metrics["reference.chance"] == pytest.approx(0.95)
    children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {child.data.params["source"] for child in children} == {"near", "far"}
