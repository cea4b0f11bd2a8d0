"""One project is made and run for the whole session; tests that change something work on copies of it."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from taskzoo.cli import app
from tests.project.projects import Project, make_project, textures


@dataclass(frozen=True)
class Finished:
    """A project after its first `dvc repro`."""

    project: Project
    changes: list[str]

    @property
    def root(self) -> Path:
        return self.project.root


@pytest.fixture(autouse=True)
def _as_in_a_fresh_shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let commands that run inside the tests' process find what those in a process of their own find."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a project on which `dvc repro` has run once, for all processes of the tests; they only read it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    root, changes = shared / "first/zoo", shared / "changes.json"
    with FileLock(str(shared / "first.lock")):
        if not changes.exists():
            shutil.rmtree(root, ignore_errors=True)
            project = make_project(root)
            project.succeed("dvc", "repro")
            found = json.dumps(project.changes())
            project.succeed("git", "add", "dvc.lock")
            project.succeed("git", "commit", "--quiet", "--message", "Run")
            changes.write_text(found)
    return Finished(Project(root), json.loads(changes.read_text()))


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Project:
    """Return a copy of the finished project without its store."""
    return finished.project.copy(tmp_path / "zoo", store=False)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an image folder of three classes; its path has a space, as people's paths have."""
    return textures(tmp_path_factory.mktemp("new") / "my images")


@pytest.fixture(scope="session")
def registered(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy whose lost store was rebuilt by `taskzoo register`; tests only read it or add to it."""
    project = finished.project.copy(tmp_path_factory.mktemp("second") / "zoo", store=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        shutil.rmtree("receipts")
        done = CliRunner().invoke(app, ["register"])
    assert done.exit_code == 0, done.output
    return project
