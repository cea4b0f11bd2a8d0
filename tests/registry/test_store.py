"""Registering: once, completely, and found again."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Run

from taskzoo.registry.package import Package
from taskzoo.registry.stages import identity
from taskzoo.registry.store import Receipt, Registry
from tests.registry.packages import make_package

STAGES = {
    "dataset": 1,
    "validate": 1,
    "train": 1,
    "fisher": 1,
    "distances": 1,
    "search": 1,
    "trial": 4,
    "package": 1,
}


def runs(registry: Registry) -> list[Run]:
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def stages(registry: Registry) -> Counter[str]:
    return Counter(run.data.tags["taskzoo.stage"] for run in runs(registry) if run.info.status == "FINISHED")


def one(registry: Registry, stage: str) -> Run:
    (run,) = [run for run in runs(registry) if run.data.tags["taskzoo.stage"] == stage]
    return run


def test_every_stage_has_a_run(registry: Registry, pets: Package) -> None:
    receipt = registry.register(pets.folder)
    assert receipt == Receipt(model="pets", package_digest=pets.digest, fingerprint=pets.card.fingerprint)
    assert stages(registry) == STAGES
    assert one(registry, "dataset").data.metrics["images.train"] == 90
    assert one(registry, "validate").data.params == {"decodable": "True", "duplicate": "False"}
    assert one(registry, "search").data.metrics["best.full.fuse.seed-0"] == pytest.approx(0.53)
    assert one(registry, "package").data.metrics["test_accuracy"] == 0.88


def test_a_task_of_made_up_images_is_tagged_synthetic(pets: Package) -> None:
    images = pets.card.model_copy(update={"dataset": pets.card.dataset.model_copy(update={"synthetic": True})})
    task = pets.card.model_copy(update={"synthetic": True})
    assert [identity(replace(pets, card=card))["synthetic"] for card in (pets.card, images, task)] == [
        "false",
        "true",
        "true",
    ]


def test_curves_have_steps(zoo: Registry, pets: Package) -> None:
    client = MlflowClient(zoo.uri)
    loss = client.get_metric_history(one(zoo, "train").info.run_id, "loss.repeat-1")
    assert [(point.step, point.value) for point in loss] == [(0, 1.1), (1, 0.8), (2, 0.5)]
    traces = client.get_metric_history(one(zoo, "fisher").info.run_id, "trace")
    assert [point.value for point in traces] == pytest.approx(list(pets.traces))
    distances = client.get_metric_history(one(zoo, "distances").info.run_id, "ftd.far")
    assert [point.value for point in distances] == pytest.approx([0.7, 0.71])


def test_trials_hang_under_their_search(zoo: Registry) -> None:
    search = one(zoo, "search").info.run_id
    trials = [run for run in runs(zoo) if run.data.tags["taskzoo.stage"] == "trial"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {search}
    assert {run.data.params["number"] for run in trials} == {"1", "2", "3", "4"}
    assert all("architecture.level" in run.data.params for run in trials)


def test_training_names_its_data(zoo: Registry, pets: Package) -> None:
    inputs = one(zoo, "train").inputs
    assert inputs is not None
    (lineage,) = inputs.dataset_inputs
    assert lineage.dataset.name == "pets"
    assert lineage.dataset.digest == pets.card.dataset.digest[:36]
    assert [tag.value for tag in lineage.tags] == ["training"]


def test_version_is_found_by_tags_and_numbers(zoo: Registry, pets: Package) -> None:
    client = MlflowClient(zoo.uri)
    version = client.get_model_version_by_alias("pets", "champion")
    assert version.tags["package_digest"] == pets.digest
    assert version.tags["classes"] == "3"
    assert "Closest sources by ftd" in str(version.description)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    wanted = "metrics.`distance.ftd.no-transfer` < 0.31 AND metrics.test_accuracy > 0.8 AND tags.task = 'pets'"
    (model,) = client.search_logged_models([experiment.experiment_id], wanted)
    assert model.status == LoggedModelStatus.READY
    assert model.tags["mlflow.modelVersions"] == '[{"name": "pets", "version": 1}]'
    numbers = {metric.key: metric.value for metric in model.metrics or []}
    assert numbers["fisher_trace"] == pytest.approx(sum(pets.traces) / 2)
    assert numbers["distance.ftd.far"] == pytest.approx(0.705)
    assert numbers["distance.ftd.far.std"] == pytest.approx(0.01 / 2**0.5)


def test_registering_twice_makes_nothing_new(registry: Registry, pets: Package, tmp_path: Path) -> None:
    first = registry.register(pets.folder)
    before = {run.info.run_id for run in runs(registry)}
    assert Registry(None, tmp_path).register(pets.folder) == first
    assert {run.info.run_id for run in runs(registry)} == before
    assert len(MlflowClient(registry.uri).search_model_versions("name = 'pets'")) == 1


def test_new_content_is_a_new_version_and_the_champion(registry: Registry, pets: Package, tmp_path: Path) -> None:
    registry.register(pets.folder)
    changed = make_package(tmp_path / "changed" / "pets", "pets", seed=5)
    registry.register(changed.folder)
    client = MlflowClient(registry.uri)
    assert len(client.search_model_versions("name = 'pets'")) == 2
    assert client.get_model_version_by_alias("pets", "champion").tags["package_digest"] == changed.digest
    registry.register(pets.folder)
    assert len(client.search_model_versions("name = 'pets'")) == 2
    assert client.get_model_version_by_alias("pets", "champion").tags["package_digest"] == pets.digest


def test_tasks_share_the_runs_of_their_data_set(registry: Registry, pets: Package, birds: Package) -> None:
    registry.register(pets.folder)
    registry.register(birds.folder)
    assert stages(registry) == {
        stage: count * (1 if stage in {"dataset", "validate"} else 2) for stage, count in STAGES.items()
    }


def test_lost_store_is_rebuilt_from_packages(registry: Registry, pets: Package, birds: Package, tmp_path: Path) -> None:
    for package in (pets, birds):
        registry.register(package.folder)
    before = [(entry.name, entry.tags, entry.metrics, entry.distances) for entry in registry.query()]
    rebuilt = Registry(None, tmp_path / "elsewhere")
    assert rebuilt.query() == []
    for package in (birds, pets):
        rebuilt.register(package.folder)
    assert [(entry.name, entry.tags, entry.metrics, entry.distances) for entry in rebuilt.query()] == before


def test_what_a_killed_registration_left_is_completed(registry: Registry, pets: Package) -> None:
    registry.register(pets.folder)
    client = MlflowClient(registry.uri)
    search, package, trials = one(registry, "search"), one(registry, "package"), stages(registry)["trial"]
    client.update_run(search.info.run_id, status="RUNNING")
    client.update_run(package.info.run_id, status="RUNNING")
    client.delete_registered_model("pets")
    experiment = search.info.experiment_id
    model = client.create_logged_model(experiment, "pets", tags={"package_digest": pets.digest})
    (ready,) = [found for found in client.search_logged_models([experiment]) if found.model_id != model.model_id]
    client.delete_logged_model(ready.model_id)

    registry.register(pets.folder)

    statuses = Counter(run.info.status for run in runs(registry))
    assert statuses["KILLED"] == 2
    assert statuses["RUNNING"] == 0
    assert stages(registry) == {**STAGES, "trial": trials}
    (new,) = [
        run for run in runs(registry) if run.data.tags["taskzoo.stage"] == "search" and run.info.status == "FINISHED"
    ]
    parents = {
        run.data.tags["mlflow.parentRunId"] for run in runs(registry) if run.data.tags["taskzoo.stage"] == "trial"
    }
    assert parents == {new.info.run_id}
    assert client.get_logged_model(model.model_id).status == LoggedModelStatus.FAILED
    assert client.get_model_version_by_alias("pets", "champion").tags["package_digest"] == pets.digest


def test_report_is_logged_once_for_the_same_files(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "ftd.png").write_bytes(b"one")
    for content, runs_then in (("a", 1), ("a", 1), ("b", 2)):
        (folder / "distances.csv").write_text(content)
        registry.log_report(folder)
        assert stages(registry) == {"report": runs_then}
    client = MlflowClient(registry.uri)
    newest = runs(registry)[0].info.run_id
    assert [file.path for file in client.list_artifacts(newest, "report")] == [
        "report/distances.csv",
        "report/figures",
    ]


def test_runs_of_others_are_left_alone(registry: Registry, pets: Package) -> None:
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    other = client.create_run(experiment.experiment_id, tags={"taskzoo.writer": "another-host:/lock"})
    registry.register(pets.folder)
    assert client.get_run(other.info.run_id).info.status == "RUNNING"


def test_deleted_experiment_comes_back(registry: Registry, pets: Package, tmp_path: Path) -> None:
    registry.register(pets.folder)
    client = MlflowClient(registry.uri)
    client.delete_experiment(one(registry, "package").info.experiment_id)
    assert [entry.name for entry in Registry(None, tmp_path).query()] == ["pets"]
