"""`mlflow run` with a folder of images: a new target beside a zoo that stays as it is."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from taskzoo.entry import run
from taskzoo.params import parse_params
from taskzoo.recommend.advice import load_advice
from taskzoo.records import read_json
from taskzoo.search.results import Elites
from taskzoo.search.tuning import ELITES, METRICS
from tests.data.dense.houses import street
from tests.project.projects import TASKS, Project, contents, store, textures, workspace

pytestmark = pytest.mark.slow
MADE = ("data/manifest.json", "validation/result.json", "advice.json", "comparison.json", "package/task.json")


@dataclass(frozen=True)
class Adapted:
    """A project to which `mlflow run` has added my-task."""

    project: Project
    output: str
    before: dict[str, str]
    models: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def adapted(registered: Project, images: Path) -> Adapted:
    root = registered.root
    before, models = workspace(root), store(root)["models"]
    options = ("--env-manager", "local", "-P", f"dataset={images}", "-P", "name=my-task")
    return Adapted(registered, registered.succeed("mlflow", "run", ".", *options), before, models)


def test_what_was_there_is_untouched(adapted: Adapted) -> None:
    after = workspace(adapted.project.root)
    assert {name: after.get(name) for name in adapted.before} == adapted.before
    new = set(after) - set(adapted.before)
    assert all(name.startswith("targets/my-task/") or name in {"targets/.gitignore"} for name in new)
    assert new >= {f"targets/my-task/{name}" for name in (*MADE, "data.dvc")}
    assert adapted.project.changes() == ["?? targets/"]
    shown = adapted.project.succeed("git", "status", "--short", "--untracked-files=all")
    assert shown.split() == ["??", "targets/my-task/data.dvc"]


def test_the_target_is_a_model_like_the_others(adapted: Adapted) -> None:
    found = store(adapted.project.root)
    assert found["models"] == sorted([*adapted.models, ("my-task",)])
    assert ("my-task", "champion", 1) in found["aliases"]
    stages = {str(name).split()[0] for _, name, _ in found["runs"] if str(name).endswith(" my-task")}
    assert stages >= {"dataset", "validate", "train", "fisher", "search", "package"}


def test_the_sources_architecture_is_trained_where_it_is_recommended_and_new(adapted: Adapted) -> None:
    root = adapted.project.root
    folder, advice = root / "targets/my-task/search", load_advice(root / "targets/my-task/advice.json")
    assert (advice.inherited is not None) == bool(advice.recommendation.recommended)
    found = read_json(folder / ELITES, Elites, "search").elites[0].architecture
    new = advice.inherited is not None and advice.inherited.architecture != found
    assert ("inherited_val_accuracy" in read_json(folder / METRICS, dict[str, float], "search")) == new
    for name in TASKS:  # Nothing is recommended yet when the pipeline searches.
        assert "inherited_val_accuracy" not in read_json(root / "searches" / name / METRICS, dict[str, float], "search")


def test_the_outcome_is_told(adapted: Adapted, images: Path) -> None:
    output = adapted.output
    for heading in ("Sources for my-task, best first", "Test accuracy after few-shot fine-tuning"):
        assert heading in output
    assert all(name in output for name in (*TASKS, "no-transfer", "Chosen network:", "test accuracy", "make ui"))
    assert re.search(r"\d\.\d{3} \+- \d\.\d{3}", output)
    lines = output.splitlines()
    start = next(row for row, line in enumerate(lines) if line.startswith("To make it part of `dvc repro`"))
    added = yaml.safe_load("\n".join(lines[start + 1 : start + 5]))
    assert added["datasets"] == {"my-task": {"path": str(images)}}
    params = adapted.project.params()
    for section, entries in added.items():
        params[section].update(entries)
    assert parse_params(params, "params.yaml").tasks["my-task"].dataset == "my-task"


def test_the_same_again_registers_nothing(
    adapted: Adapted, images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.adapt import adapt

    root = adapted.project.root
    monkeypatch.chdir(root)
    files, before = workspace(root), store(root)
    run(adapt, str(images), "my-task", "")
    assert store(root) == before
    assert workspace(root) == files
    assert "Sources for my-task" in capsys.readouterr().out


def test_two_at_once(adapted: Adapted, tmp_path: Path) -> None:
    project, names = adapted.project, ("left", "right")
    folders = {"left": textures(tmp_path / "left", 24, 2), "right": textures(tmp_path / "right", 28, 3)}
    before = store(project.root)
    processes = {
        name: project.start("python", "-m", "pipelines.adapt", str(folder), name) for name, folder in folders.items()
    }
    outputs = {name: process.communicate(timeout=800) for name, process in processes.items()}
    done = {name for name in names if processes[name].returncode == 0}
    for name in set(names) - done:
        errors = outputs[name][1]
        assert processes[name].returncode == 2, errors
        assert errors.splitlines()[-1].startswith("taskzoo: "), errors
        assert "Traceback" not in errors
        assert contents(project.root, f"targets/{name}") == {}
    assert done, outputs
    after = store(project.root)
    assert after["models"] == sorted([*before["models"], *((name,) for name in done)])
    assert {status for _, _, status in after["runs"]} == {"FINISHED"}


def test_a_dense_target_goes_all_the_way_beside_tasks_of_classes(adapted: Adapted, tmp_path: Path) -> None:
    project, views = adapted.project, street(tmp_path / "my flat", domains=("normal", "depth_zbuffer"))
    options = ("--env-manager", "local", "-P", f"dataset={views}", "-P", "name=my-normals", "-P", "target=normal")
    output = project.succeed("mlflow", "run", ".", *options)
    assert all(words in output for words in ("Sources for my-normals", "Test skill after few-shot", "test skill"))
    lines = output.splitlines()
    start = next(row for row, line in enumerate(lines) if line.startswith("To make it part of `dvc repro`"))
    added = yaml.safe_load("\n".join(lines[start + 1 : start + 5]))
    assert added["datasets"]["my-normals"] == {"path": str(views), "format": "taskonomy", "domains": ["normal"]}
    assert added["tasks"] == {"my-normals": {"dataset": "my-normals", "target": "normal"}}
    assert ("my-normals",) in store(project.root)["models"]
    folder = project.root / "targets/my-normals"
    assert (folder / "package/figures/examples.png").exists()
    advice = load_advice(folder / "advice.json")
    assert set(TASKS) <= {row.source for row in advice.recommendation.candidates}
    assert advice.recommendation.measure == "ridge_loo"
    assert not advice.narrowing.keep  # The elites of classes are of another space.
