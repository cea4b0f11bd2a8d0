"""What runs again, and what does not, when something changes, is lost or is killed."""

import re
import shutil
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from taskzoo.cli import app
from tests.project.conftest import Finished
from tests.project.projects import TASKS, Project, contents

pytestmark = pytest.mark.slow
KEPT = ("data", "validation", "probes", "fishers", "searches")
NEW = {"dataset": "digits", "groups": {"low": [0, 1, 2, 3, 4], "high": [5, 6, 7, 8, 9]}}
PATIENCE = 120


def taskzoo(*words: str) -> None:
    """Run a verb inside this process, whose libraries are imported already."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output


def written(root: Path) -> dict[str, int]:
    """Return when each result of the stages was last written, in ns."""
    files = [file for part in KEPT for file in (root / part).rglob("*") if file.is_file()]
    return {file.relative_to(root).as_posix(): file.stat().st_mtime_ns for file in files}


def test_one_task_more_runs_only_what_is_new(copied: Project) -> None:
    before = written(copied.root)
    params = copied.params()
    params["tasks"]["digits-low"] = NEW
    copied.write_params(params)
    output = copied.succeed("dvc", "repro", "distances", "search")
    ran = set(re.findall(r"Running stage '([^']+)'", output))
    assert ran == {"train", "fisher", "distances", "search"}
    after = written(copied.root)
    assert {name: after.get(name) for name in before} == before
    new = set(after) - set(before)
    assert new >= {f"fishers/{name}/digits-low/0.safetensors" for name in TASKS}
    assert new >= {f"fishers/digits-low/{name}/1.safetensors" for name in (*TASKS, "no-transfer")}
    assert all("digits-low" in name for name in new)
    assert copied.changes() == [" M dvc.lock", " M params.yaml"]


def test_one_task_less_leaves_nothing_of_it(copied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied.root)
    params = copied.params()
    del params["tasks"]["digits-parity"]
    copied.write_params(params)
    before = written(copied.root)
    for verb in ("train", "fisher", "distances", "search"):
        taskzoo(verb)
    after = written(copied.root)
    gone = {name for name in before if "digits-parity" in name}
    assert after == {name: when for name, when in before.items() if name not in gone}
    assert "digits-parity" not in (copied.root / "distances/distances.json").read_text()


def test_an_experiment_varies_the_training(copied: Project) -> None:
    before = contents(copied.root, "probes")
    output = copied.succeed("dvc", "exp", "run", "-S", "train.steps=7", "train")
    assert re.findall(r"Running stage '([^']+)'", output) == ["train"]
    assert copied.params()["train"]["steps"] == 7
    after = contents(copied.root, "probes")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"probes/{name}/{repeat}.safetensors" for name in TASKS for repeat in range(2)}


def test_everything_made_again_is_equal(copied: Project, finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied.root)
    made = ("data", "validation", "probes", "fishers", "distances", "searches", "packages")
    for folder in made:
        shutil.rmtree(folder)
    for verb in ("dataset", "validate", "train", "fisher", "distances", "search", "package"):
        taskzoo(verb)
    assert contents(copied.root, *made) == contents(finished.root, *made)


@pytest.mark.parametrize(
    ("verb", "folder", "begun"),
    [
        ("train", "probes", "*/*.safetensors"),
        ("fisher", "fishers", "*/*/*.safetensors"),
        ("search", "searches", "*/trials.json"),
    ],
    ids=["train", "fisher", "search"],
)
def test_a_killed_stage_goes_on(
    copied: Project, finished: Finished, monkeypatch: pytest.MonkeyPatch, verb: str, folder: str, begun: str
) -> None:
    shutil.rmtree(copied.root / folder)
    process = copied.start("python", "-m", f"pipelines.{verb}")
    deadline = time.monotonic() + PATIENCE
    while not list((copied.root / folder).glob(begun)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    helpers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(helpers, timeout=20)
    assert not alive
    left = written(copied.root)
    expected = contents(finished.root, folder)
    kept = {name for name in left if name.startswith(folder) and not Path(name).name.startswith(".")}
    assert kept < set(expected)
    assert {name: contents(copied.root, name)[name] for name in kept} == {name: expected[name] for name in kept}
    monkeypatch.chdir(copied.root)
    taskzoo(verb)
    assert contents(copied.root, folder) == expected
    if verb != "search":
        after = written(copied.root)
        assert {name: after[name] for name in kept} == {name: left[name] for name in kept}
