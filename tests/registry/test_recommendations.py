"""Transfers are recorded once, found again, and kept apart by probe."""

from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.advice import advise
from taskzoo.recommend.belief import PRETRAINED
from taskzoo.recommend.comparison import Transfer
from taskzoo.recommend.experience import PastTransfer
from taskzoo.recommend.recommendation import scale
from taskzoo.registry.description import describe_narrowing
from taskzoo.registry.store import Registry
from tests.recommend.columns import column

VALUES = {"near": [0.1, 0.1], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
ELITES = {"near": [{"op": "skip"}, {"op": "pool"}], "far": [{"op": "sep"}]}
OPTIONS = {"op": ["sep", "skip", "pool", "dil"]}
PARAMS = RecommendParams(measure="ftd", confidence=0.75)
CLASSES = {"near": 4, "far": 2, "t": 2}
SCALE = scale("ftd", PARAMS.likeness)
ADVICE = advise(column({"ftd": VALUES}, classes=CLASSES), ELITES, OPTIONS, PARAMS, explore=0.25)
TRANSFERS = [
    Transfer(arm="recommended", source="near", accuracies=[0.8, 0.9]),
    Transfer(arm="random", source="far", accuracies=[0.5, 0.6]),
    Transfer(arm="farthest", source="far", accuracies=[0.5, 0.6]),
    Transfer(arm="no-transfer", source=NO_TRANSFER, accuracies=[0.6, 0.6]),
]


def test_they_are_recorded_once_and_come_back(registry: Registry, tmp_path: Path) -> None:
    for _ in range(2):
        registry.log_recommendation("f", ADVICE, TRANSFERS, "photos")
    found = {each.source: each for each in registry.past_transfers("f", SCALE, tmp_path)}
    assert set(found) == {"near", "far"}
    row, gain = ADVICE.recommendation.candidate("near"), found["near"].gain
    recorded = PastTransfer(target="t", source="near", score=row.score, gain=gain, dataset="photos", wider=row.wider)
    assert found["near"] == recorded
    assert [gain, row.wider] == pytest.approx([0.25, np.log(2)])
    assert found["far"].gain == pytest.approx(-0.05)
    assert registry.past_transfers("other", SCALE, tmp_path) == []
    assert registry.past_transfers("f", scale("ftd", 0.5), tmp_path) == []
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`taskzoo.stage` = 'transfer'")
    assert len(runs) == 2
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_what_pretrained_weights_left_to_be_gained_is_recorded(registry: Registry, tmp_path: Path) -> None:
    fit = {"near": [0.7, 0.9], "far": [0.2, 0.2], NO_TRANSFER: [0.5, 0.7]}
    told = column({"ftd": VALUES, "ridge_loo": fit}, classes=CLASSES)
    advice = advise(told, ELITES, OPTIONS, PARAMS, explore=0.25, belief=PRETRAINED)
    registry.log_recommendation("f", advice, TRANSFERS, "photos")
    rooms = {each.source: each.headroom for each in registry.past_transfers("f", SCALE, tmp_path)}
    assert rooms == pytest.approx({"near": 0.4, "far": 0.4})


def test_a_transfer_that_was_run_again_counts_once_as_it_was_last(registry: Registry, tmp_path: Path) -> None:
    registry.log_recommendation("f", ADVICE, TRANSFERS, "photos")
    better = TRANSFERS[0].model_copy(update={"accuracies": [1.0, 1.0]})
    registry.log_recommendation("f", ADVICE, [better, TRANSFERS[-1]], "photos")
    gains = {each.source: each.gain for each in registry.past_transfers("f", SCALE, tmp_path)}
    assert gains == {"near": pytest.approx(0.4), "far": pytest.approx(-0.05)}


def test_only_what_is_new_is_asked_for_and_what_was_deleted_is_forgotten(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskzoo.registry.copies.OVERLAP_MS", 0)
    registry.log_recommendation("f", ADVICE, TRANSFERS, "photos")
    first = registry.past_transfers("f", SCALE, tmp_path)
    read: list[Run] = []
    search = MlflowClient.search_runs

    def counted(client: MlflowClient, *args: object, **options: object) -> object:
        found = search(client, *args, **options)  # type: ignore[arg-type]
        read.extend(found)
        return found

    monkeypatch.setattr(MlflowClient, "search_runs", counted)
    assert registry.past_transfers("f", SCALE, tmp_path) == first
    assert not read
    better = TRANSFERS[0].model_copy(update={"accuracies": [1.0, 1.0]})
    registry.log_recommendation("f", ADVICE, [better, TRANSFERS[-1]], "photos")
    read.clear()
    gains = {each.source: each.gain for each in registry.past_transfers("f", SCALE, tmp_path)}
    assert gains["near"] == pytest.approx(0.4)
    (run,) = read
    MlflowClient(registry.uri).delete_run(run.info.run_id)
    assert registry.past_transfers("f", SCALE, tmp_path) == first
    (copy,) = tmp_path.glob("*.parquet")
    copy.write_bytes(b"no parquet")
    assert registry.past_transfers("f", SCALE, tmp_path) == first


def test_the_recommendation_is_shown_with_all_that_its_numbers_are_read_by(registry: Registry) -> None:
    registry.log_recommendation("f", ADVICE, TRANSFERS, "photos")
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
    assert run.data.params["narrowing"] == ADVICE.narrowing.reason
    assert run.data.params["inherited"] == "near"
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/narrowing.md")
    assert page == describe_narrowing("t", ADVICE.narrowing)
    children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {child.data.params["source"] for child in children} == {"near", "far"}


def test_the_page_on_narrowing_tells_what_was_kept_and_cut() -> None:
    page = describe_narrowing("t", ADVICE.narrowing)
    assert "| op | skip 0.50, pool 0.50 | sep 0.00, dil 0.00 |" in page
    assert ADVICE.narrowing.reason in page
    assert "from 4 architectures to 2 by the elites of near 1.00: " in page
    assert "share than 0.15 among them" in page
    assert "a share of 0.25 of the trials" in page
    nothing = advise(column({"ftd": VALUES | {"near": [0.6, 0.6]}}), ELITES, OPTIONS, PARAMS, explore=0.25)
    assert "not narrowed" in describe_narrowing("t", nothing.narrowing)
    assert "|" not in describe_narrowing("t", nothing.narrowing)
