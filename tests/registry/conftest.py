"""Packages and an empty database are made once; every test gets its own store."""

import shutil
from pathlib import Path

import pytest

from taskzoo.registry.database import make_database
from taskzoo.registry.package import Package, read_package
from taskzoo.registry.store import Registry
from tests.registry.packages import make_package


@pytest.fixture(autouse=True)
def _no_store_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("packages") / "pets", "pets")


@pytest.fixture(scope="session")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("packages") / "birds", "birds", seed=1)


@pytest.fixture
def copied(pets: Package, tmp_path: Path) -> Package:
    folder = tmp_path / "packages" / "pets"
    shutil.copytree(pets.folder, folder)
    return read_package(folder)


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_database(path, path.parent / "mlartifacts")
    return path


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path, pets: Package) -> Registry:
    """Return a store that holds pets; tests only read it."""
    root = tmp_path_factory.mktemp("zoo")
    shutil.copyfile(fresh_database, root / "mlflow.db")
    registry = Registry(f"sqlite:///{root}/mlflow.db", root)
    registry.register(pets.folder)
    return registry


@pytest.fixture
def registry(tmp_path: Path, fresh_database: Path) -> Registry:
    shutil.copyfile(fresh_database, tmp_path / "mlflow.db")
    return Registry(None, tmp_path)
