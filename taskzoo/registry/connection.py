"""Reaching the MLflow store: which one, is it there, and one writer at a time."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from mlflow import MlflowClient
from sqlalchemy.engine import make_url

from taskzoo.errors import InputError
from taskzoo.files import digest_bytes
from taskzoo.registry.database import check_schema, make_database
from taskzoo.registry.guards import locked, told

EXPERIMENT = "taskzoo"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Connection:
    """An open store.

    Args:
        uri: Of the store, as MLflow takes it.
        client: MLflow's client for it.
        experiment_id: Of taskzoo's experiment.
        lock_path: The file whose lock makes one writer at a time.
        writer: Names everyone who writes under that lock.
    """

    uri: str
    client: MlflowClient
    experiment_id: str
    lock_path: Path
    writer: str

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait to be the only writer, and mark what a killed writer left running.

        Yields:
            Nothing; the store may be written inside the block.
        """
        with locked(self.lock_path), told(self.uri):
            self._end_stale_runs()
            yield

    def _end_stale_runs(self) -> None:
        """Mark runs KILLED that are still running although their writer has lost the lock."""
        wanted = f"attributes.status = 'RUNNING' and tags.`taskzoo.writer` = '{self.writer}'"
        while stale := self.client.search_runs([self.experiment_id], wanted):
            for run in stale:
                self.client.set_terminated(run.info.run_id, "KILLED")


def connect(tracking_uri: str | None, root: Path) -> Connection:
    """Open a store; a sqlite file that does not exist is made.

    Args:
        tracking_uri: ``sqlite:///file`` or ``http(s)://server``; left out: what MLFLOW_TRACKING_URI says,
            else ``mlflow.db`` in ``root``.
        root: The project's folder.

    Returns:
        The connection.

    Raises:
        InputError: If the store is of another kind, out of reach, no MLflow store, or of another version.
    """
    # What MLflow notes while it works is not for users; its warnings are.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # It logs with a traceback what it raises as well, and what is raised we tell in one sentence.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    default = f"sqlite:///{root.resolve() / DATABASE}"
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default
    if uri.startswith("sqlite:///"):
        return _connect_sqlite(uri)
    if uri.startswith(("http://", "https://")):
        return _connect_server(uri, root)
    raise InputError(
        f"the MLflow store {uri.split('://', maxsplit=1)[0]!r} is of a kind that taskzoo does not write; "
        "expected sqlite:///file or http(s)://server; set MLFLOW_TRACKING_URI to one of them."
    )


def _connect_sqlite(uri: str) -> Connection:
    """Open a sqlite store, making it under a lock so that any number of processes may begin at once.

    Args:
        uri: Of the file.

    Returns:
        The connection.

    Raises:
        InputError: If it is a folder, or no MLflow database of this version.
    """
    path = Path(make_url(uri).database or "").resolve()
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a sqlite file; correct the name after 'sqlite:///'.")
    lock_path = path.with_name(f"{path.name}.lock")
    artifacts = path.parent / ARTIFACTS
    with locked(lock_path), told(uri):
        if not path.exists() or path.stat().st_size == 0:
            make_database(path, artifacts)
        check_schema(path)
        client = MlflowClient(f"sqlite:///{path}")
        experiment_id = _experiment(client, artifacts.as_uri())
    return Connection(f"sqlite:///{path}", client, experiment_id, lock_path, writer="sqlite")


def _connect_server(uri: str, root: Path) -> Connection:
    """Open a store behind a server; one writer at a time holds for processes of this project and machine.

    Args:
        uri: Of the server.
        root: The project's folder, which keeps the lock.

    Returns:
        The connection.

    Raises:
        InputError: If the server does not answer, or is no MLflow server.
    """
    try:
        with urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS):
            pass
    except HTTPError as error:
        error.close()  # Something answers; whether it is MLflow shows at the first call.
    except (OSError, ValueError, HTTPException) as error:
        raise InputError(
            f"the MLflow server {uri} does not answer ({error}); expected it within {ANSWER_SECONDS} s; "
            "start it, or correct MLFLOW_TRACKING_URI."
        ) from error
    lock_path = root.resolve() / ".taskzoo" / f"server-{digest_bytes(uri.encode())[:12]}.lock"
    client = MlflowClient(uri)
    with locked(lock_path), told(uri):
        experiment_id = _experiment(client, None)
    writer = f"{socket.gethostname()}:{lock_path}"
    return Connection(uri, client, experiment_id, lock_path, writer)


def _experiment(client: MlflowClient, artifacts: str | None) -> str:
    """Return the id of taskzoo's experiment, made or restored where needed."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return client.create_experiment(EXPERIMENT, artifact_location=artifacts)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id
