"""The same promises hold behind a real MLflow server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from taskzoo.registry.package import Package
from taskzoo.registry.store import Registry
from tests.registry.servers import free_port, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = [
        "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination",
        str(folder / "artifacts"), "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with running(command, f"http://127.0.0.1:{port}/health", dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


def test_register_query_and_fetch(server: str, pets: Package, birds: Package, tmp_path: Path) -> None:
    registry = Registry(server, tmp_path)
    receipt = registry.register(pets.folder)
    registry.register(birds.folder)
    assert registry.register(pets.folder) == receipt
    client = MlflowClient(server)
    assert len(client.search_model_versions("name = 'pets'")) == 1
    entries = registry.query(pets.card.fingerprint)
    assert [entry.name for entry in entries] == ["birds", "pets"]
    assert entries[1].distances["ftd"]["far"] == pytest.approx([0.7, 0.71])
    folder = registry.fetch(entries[1], tmp_path / "fetched")
    assert folder.name == pets.digest
    assert (tmp_path / ".taskzoo").is_dir()
