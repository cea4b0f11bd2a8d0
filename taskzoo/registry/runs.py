"""MLflow runs that are found again instead of repeated."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param
from mlflow.store.entities import PagedList

from taskzoo.errors import InputError
from taskzoo.registry.connection import Connection

TAG_LIMIT = 8000  # Of a run and of a logged model, in characters.
Item = TypeVar("Item")


@dataclass(frozen=True)
class StageRun:
    """One run to be found in the store, or logged.

    Args:
        stage: The pipeline's stage.
        key: What the stage worked on, for example the task's name.
        digest: Of all that the run shows; with stage and key it says whether the run is there already.
        title: The run's name in the UI.
        params: Settings and facts.
        metrics: Triples of name, value and step.
        tags: Further tags.
        inputs: Data sets that were read.
        files: Folder to attach, under its own name.
        texts: File name -> content to attach.
        children: Nested runs.
    """

    stage: str
    key: str
    digest: str
    title: str
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Sequence[tuple[str, float, int]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[DatasetInput] = ()
    files: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    children: Sequence["StageRun"] = ()


def log_run(connection: Connection, run: StageRun, parent: str | None = None) -> str:
    """Return the id of the finished run with this stage, key and digest; log it first if there is none.

    Args:
        connection: Held for writing.
        run: What to log.
        parent: Id of the run it is nested in.

    Returns:
        MLflow's run id.
    """
    known = _finished(connection, run)
    return known.get(run.digest) or _create(connection, run, parent)


def _finished(connection: Connection, run: StageRun) -> dict[str, str]:
    """Return digest -> run id of the finished runs with the stage and key of ``run``."""
    wanted = (
        f"tags.`taskzoo.stage` = '{run.stage}' and tags.`taskzoo.key` = '{run.key}' and attributes.status = 'FINISHED'"
    )
    return {
        found.data.tags["taskzoo.digest"]: found.info.run_id
        for found in every_page(
            lambda token: connection.client.search_runs(
                [connection.experiment_id], wanted, max_results=1000, page_token=token
            )
        )
    }


def _create(connection: Connection, run: StageRun, parent: str | None) -> str:
    """Return the id of a new run; it is marked finished only when all of it is there, its children too."""
    client = connection.client
    tags = {
        "taskzoo.stage": run.stage,
        "taskzoo.key": run.key,
        "taskzoo.digest": run.digest,
        "taskzoo.writer": connection.writer,
        **run.tags,
    }
    if parent is not None:
        tags["mlflow.parentRunId"] = parent
    created = client.create_run(connection.experiment_id, tags=checked_tags(tags), run_name=run.title)
    run_id: str = created.info.run_id
    log_numbers(client, run_id, run)
    if run.inputs:
        client.log_inputs(run_id, run.inputs)
    if run.files is not None and run.files.is_dir():
        client.log_artifacts(run_id, str(run.files), run.files.name)
    for name, text in run.texts.items():
        client.log_text(run_id, text, name)
    _log_children(connection, run.children, run_id)
    client.set_terminated(run_id)
    return run_id


def _log_children(connection: Connection, children: Sequence[StageRun], parent: str) -> None:
    """Log nested runs; those that a killed registration finished are hung under the new parent."""
    if not children:
        return
    known = _finished(connection, children[0])
    for child in children:
        if child.digest in known:
            connection.client.set_tag(known[child.digest], "mlflow.parentRunId", parent)
        else:
            _create(connection, child, parent)


def log_numbers(client: MlflowClient, run_id: str, run: StageRun) -> None:
    """Log a run's params and metrics in one call; MLflow's client splits it at the store's limits."""
    now = now_ms()
    metrics = [Metric(name, value, now, step) for name, value, step in run.metrics]
    params = [Param(name, str(value)) for name, value in run.params.items()]
    client.log_batch(run_id, metrics=metrics, params=params)


def now_ms() -> int:
    """Return the time as MLflow counts it: milliseconds since 1970."""
    return int(time.time() * 1000)


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags if all fit.

    Args:
        tags: Key -> value.

    Returns:
        The same.

    Raises:
        InputError: If a value is longer than MLflow keeps.
    """
    for key, value in tags.items():
        if len(value) > TAG_LIMIT:
            raise InputError(
                f"the tag {key!r} has {len(value)} characters, beginning {value[:40]!r}; expected at most "
                f"{TAG_LIMIT}; shorten the name or text that it is made of."
            )
    return dict(tags)


def every_page(page: Callable[[str | None], PagedList[Item]]) -> Iterator[Item]:
    """Yield the results of all pages of one of MLflow's searches.

    Args:
        page: Makes the search, given a page token.

    Yields:
        The results.
    """
    token: str | None = None
    while True:
        results = page(token)
        yield from results
        token = results.token
        if not token:
            return
