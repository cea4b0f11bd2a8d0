"""Many processes at once, and processes killed anywhere."""

import multiprocessing
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from taskzoo.registry.package import Package
from taskzoo.registry.store import Registry
from tests.registry.packages import make_package
from tests.registry.test_store import STAGES, stages

pytestmark = pytest.mark.slow
# One server process pays for the imports; each child of it is a process of its own.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["taskzoo.registry.store"])
PATIENCE = 200


def register(root: Path, folders: list[Path]) -> None:
    registry = Registry(None, root)
    for folder in folders:
        registry.register(folder)


def start(root: Path, *packages: Package) -> ForkServerProcess:
    process = CONTEXT.Process(target=register, args=(root, [package.folder for package in packages]))
    process.start()
    return process


def test_four_processes_begin_on_a_fresh_store(pets: Package, birds: Package, tmp_path: Path) -> None:
    cars = make_package(tmp_path / "packages" / "cars", "cars", seed=2)
    root = tmp_path / "root"
    processes = [start(root, *packages) for packages in ((pets,), (birds, pets), (cars,), (pets, cars))]
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    registry = Registry(None, root)
    versions = MlflowClient(registry.uri).search_model_versions("")
    assert Counter(version.name for version in versions) == {"pets": 1, "birds": 1, "cars": 1}
    assert [entry.name for entry in registry.query()] == ["birds", "cars", "pets"]
    assert stages(registry) == {
        stage: count * (1 if stage in {"dataset", "validate"} else 3) for stage, count in STAGES.items()
    }


def store_begun(root: Path) -> bool:
    return any(root.glob(".mlflow.db.*.tmp"))


def runs_begun(root: Path, count: int) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{root}/mlflow.db?mode=ro", uri=True)) as database:
            found: int = database.execute("SELECT count(*) FROM runs").fetchone()[0]
            return found >= count
    except sqlite3.Error:
        return False


def files_begun(root: Path) -> bool:
    return any(root.glob("mlartifacts/models/*/artifacts/*"))


@pytest.mark.parametrize(
    "reached",
    [
        store_begun,
        lambda root: runs_begun(root, 1),
        lambda root: runs_begun(root, 8),
        files_begun,
    ],
    ids=["store", "first-run", "trials", "files"],
)
def test_killed_registration_is_completed(pets: Package, tmp_path: Path, reached: Callable[[Path], bool]) -> None:
    process = start(tmp_path, pets)
    deadline = time.monotonic() + PATIENCE
    while process.is_alive() and not reached(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.join()
    registry = Registry(None, tmp_path)
    registry.register(pets.folder)
    assert stages(registry) == STAGES
    (entry,) = registry.query()
    assert registry.fetch(entry, tmp_path / "fetched").name == pets.digest
    assert len(MlflowClient(registry.uri).search_model_versions("name = 'pets'")) == 1
