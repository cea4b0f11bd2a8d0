"""A store is made whole, or refused in one sentence within seconds and left as it was."""

import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from taskzoo.errors import InputError
from taskzoo.registry import guards
from taskzoo.registry.package import Package
from taskzoo.registry.store import Registry


def test_default_store_is_in_the_root(registry: Registry, pets: Package, tmp_path: Path) -> None:
    assert registry.uri == f"sqlite:///{tmp_path}/mlflow.db"
    registry.register(pets.folder)
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlflow.db.lock", "mlartifacts"}


def test_environment_names_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/deep/er/zoo.db")
    assert Registry(None, tmp_path / "root").uri == f"sqlite:///{tmp_path}/deep/er/zoo.db"
    assert (tmp_path / "deep" / "er" / "zoo.db").stat().st_size > 0


def test_relative_file_and_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoo.db").touch()
    assert Registry("sqlite:///zoo.db", tmp_path / "root").uri == f"sqlite:///{tmp_path}/zoo.db"


@pytest.mark.parametrize("content", [b"not a database, but text " * 100, b"\x80\x04\x95pickle", b"SQLite format 3\0"])
def test_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mlflow.db").write_bytes(content)
    with pytest.raises(InputError, match="is not an MLflow database"):
        Registry(None, tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == content


def test_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
        database.commit()
    with pytest.raises(InputError, match="is not an MLflow database"):
        Registry(None, tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


@pytest.mark.parametrize(
    ("schema", "told"), [("f5a4f2784254", "of an older MLflow"), ("ffffffffffff", "made by a newer MLflow")]
)
def test_other_schema_is_refused(registry: Registry, tmp_path: Path, schema: str, told: str) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        database.commit()
    with pytest.raises(InputError, match=told):
        Registry(None, tmp_path)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        Registry(f"sqlite:///{tmp_path}", tmp_path)


@pytest.mark.parametrize("uri", ["file:///tmp/x", "mlruns", "postgresql://user:secret@host/db", "databricks"])
def test_other_kinds_are_refused_without_their_secrets(tmp_path: Path, uri: str) -> None:
    with pytest.raises(InputError, match="expected sqlite:///file or http") as caught:
        Registry(uri, tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "http://127.0.0.1:notaport"])
def test_absent_server_is_told_quickly(tmp_path: Path, uri: str) -> None:
    start = time.monotonic()
    with pytest.raises(InputError, match="does not answer"):
        Registry(uri, tmp_path)
    assert time.monotonic() - start < 10


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def test_server_that_is_not_mlflow_is_told(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(InputError, match=r"the MLflow store http://127.0.0.1:[0-9]+ failed"):
            Registry(f"http://127.0.0.1:{server.server_port}", tmp_path)
        server.shutdown()


def test_held_lock_is_told(registry: Registry, pets: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "LOCK_SECONDS", 0.1)
    with (
        FileLock(str(tmp_path / "mlflow.db.lock")),
        pytest.raises(InputError, match="held by another process"),
    ):
        registry.register(pets.folder)
