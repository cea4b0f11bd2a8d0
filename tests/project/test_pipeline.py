"""What `dvc repro` leaves: a registry of tasks, files under DVC's care, and nothing else changed."""

import json
from collections import Counter

import pytest
from mlflow import MlflowClient

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.recommend.advice import load_advice
from tests.project.conftest import Finished
from tests.project.projects import TASKS, Project, contents, store, workspace

pytestmark = pytest.mark.slow
OTHERS = {name: {*TASKS, NO_TRANSFER} - {name} for name in TASKS}


@pytest.fixture(scope="session")
def finished(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a copy: commands of DVC write beside what they only read."""
    return Finished(finished.project.copy(tmp_path_factory.mktemp("again") / "zoo"), finished.changes)


@pytest.fixture(scope="module")
def client(finished: Finished) -> MlflowClient:
    return MlflowClient(f"sqlite:///{finished.root}/mlflow.db")


@pytest.fixture(scope="module")
def experiment(client: MlflowClient) -> str:
    found = client.get_experiment_by_name("taskzoo")
    assert found is not None
    return str(found.experiment_id)


def test_git_sees_nothing_but_the_lock(finished: Finished) -> None:
    assert finished.changes == ["?? dvc.lock"]


def test_every_task_is_a_model_with_a_champion(finished: Finished, client: MlflowClient) -> None:
    assert {model.name for model in client.search_registered_models()} == set(TASKS)
    for name in TASKS:
        version = client.get_model_version_by_alias(name, "champion")
        receipt = json.loads((finished.root / f"receipts/{name}.json").read_text())
        assert str(version.version) == "1"
        assert version.tags["package_digest"] == receipt["package_digest"]
        assert version.tags["fingerprint"] == receipt["fingerprint"]


def test_models_hold_the_distances_of_every_repeat(finished: Finished, client: MlflowClient, experiment: str) -> None:
    values = json.loads((finished.root / "distances/distances.json").read_text())["values"]
    assert set(values) == {"fisher_kernel", "ridge_loo", "unlikeness", "pixel_unlikeness", "ftd"}
    for name in TASKS:
        digest = client.get_model_version_by_alias(name, "champion").tags["package_digest"]
        (model,) = client.search_logged_models([experiment], f"tags.package_digest = '{digest}'")
        found = {(metric.key, metric.step): metric.value for metric in model.metrics or []}
        for measure, targets in values.items():
            assert set(targets[name]) == set(TASKS) | (set() if "unlikeness" in measure else {NO_TRANSFER})
            for source, repeats in targets[name].items():
                assert [found[f"repeats.{measure}.{source}", step] for step in range(2)] == repeats
                assert found[f"distance.{measure}.{source}", 0] == pytest.approx(sum(repeats) / 2)
    one, other = list(TASKS)[:2]
    assert values["ftd"][one][other] != values["ftd"][other][one]


def test_every_task_is_advised(finished: Finished) -> None:
    for name in TASKS:
        advice = load_advice(finished.root / f"recommendations/{name}.json").recommendation
        assert set(advice.sources()) == OTHERS[name] - {NO_TRANSFER}
        assert set(advice.recommended) <= set(advice.sources())
        assert len(advice.references.itself) == len(advice.references.chance) == len(advice.start.values) == 2
        assert advice.measure == "fisher_kernel"


def test_models_say_which_sources_are_close(client: MlflowClient) -> None:
    for name in TASKS:
        description = client.get_model_version_by_alias(name, "champion").description or ""
        assert all(f". {source} (" in description for source in OTHERS[name])


def test_a_run_for_every_stage_that_worked(client: MlflowClient, experiment: str) -> None:
    runs = client.search_runs([experiment], max_results=1000)
    assert {run.info.status for run in runs} == {"FINISHED"}
    counts = Counter(run.data.tags["taskzoo.stage"] for run in runs)
    per_task = dict.fromkeys(("train", "fisher", "distances", "search", "package", "recommend"), len(TASKS))
    nested = counts.pop("trial") + counts.pop("transfer")
    assert counts == {"dataset": 1, "validate": 1, "report": 1} | per_task
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(children) == nested
    assert nested > 2 * len(TASKS)


def test_a_second_repro_does_nothing(finished: Finished) -> None:
    project = finished.project
    before = workspace(project.root), store(project.root)
    assert "Data and pipelines are up to date" in project.succeed("dvc", "repro")
    assert (workspace(project.root), store(project.root)) == before
    assert project.changes() == []


def test_dvc_shows_metrics_plots_and_the_graph(finished: Finished) -> None:
    project = finished.project
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    reported = json.loads((project.root / "report/metrics.json").read_text())
    assert shown[""]["data"]["report/metrics.json"]["data"] == reported
    project.succeed("dvc", "plots", "show")
    page = (project.root / "dvc_plots/index.html").read_text()
    for figure in (
        "distances-fisher_kernel",
        "distances-unlikeness",
        "distances-ftd",
        "recommendations",
        "comparison",
        "search",
    ):
        (link,) = {word for word in page.split('"') if word.endswith(f"report_{figure}.png")}
        assert (project.root / "dvc_plots" / link).stat().st_size > 1000
    assert set(TASKS) <= set(page.split('"'))
    graph = project.succeed("dvc", "dag", "--dot")
    for stage in ("dataset@digits", "train", "fisher", "distances", "search", "register", "recommend", "report"):
        assert f'"{stage}' in graph
    assert project.changes() == []


def test_a_lost_store_is_rebuilt(finished: Finished, registered: Project) -> None:
    assert contents(registered.root, "receipts") == contents(finished.root, "receipts")
    rebuilt, first = store(registered.root), store(finished.root)  # other tests may have added models since
    assert set(rebuilt["models"]) >= set(first["models"])
    assert set(rebuilt["aliases"]) >= set(first["aliases"])
    assert {row[:2] for row in rebuilt["versions"]} >= {row[:2] for row in first["versions"]}
