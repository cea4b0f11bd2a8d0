"""The transfers on record in MLflow: what the next recommendation learns from."""

from collections.abc import Iterator
from pathlib import Path

from mlflow.entities import Run, ViewType

from taskzoo.recommend.experience import PastTransfer
from taskzoo.registry.connection import Connection
from taskzoo.registry.copies import copy_path, joined, keep_copy, read_copy, since
from taskzoo.registry.runs import every_page

STAGE = "transfer"
FINGERPRINT, SCALE = "taskzoo.fingerprint", "taskzoo.scale"
GAIN, SCORE, WIDER, HEADROOM = "gain", "score", "wider", "headroom"
COLUMNS = {
    **{"run": "str", "ended": "int64", "target": "str", "source": "str", "dataset": "str"},
    **{"score": "float64", "gain": "float64", "wider": "float64", "headroom": "float64"},
}
PAGE = 1000


def past_transfers(connection: Connection, fingerprint: str, scale: str, folder: Path) -> list[PastTransfer]:
    """Return the transfers on record between tasks of one probe, the last one where a pair has several.

    Only what ended since the last time is asked for, and what was deleted.

    Args:
        connection: The store.
        fingerprint: Of the probe.
        scale: Of the scores: those made otherwise do not compare.
        folder: Where the copy is kept.

    Returns:
        By target and source.
    """
    path = copy_path(connection, folder, STAGE, fingerprint, scale)
    wanted = f"tags.`taskzoo.stage` = '{STAGE}' and tags.`{FINGERPRINT}` = '{fingerprint}'"
    wanted += f" and tags.`{SCALE}` = '{scale}' and status = 'FINISHED'"
    known = read_copy(path, COLUMNS)
    fresh = f"{wanted} and attributes.end_time > {since(known['ended'])}"
    whole = joined(known, [_row(run) for run in _runs(connection, fresh, ViewType.ACTIVE_ONLY)])
    deleted = {run.info.run_id for run in _runs(connection, wanted, ViewType.DELETED_ONLY)}
    whole = whole[~whole["run"].isin(deleted)].drop_duplicates("run", keep="last")
    whole = whole.sort_values(["ended", "run"], ignore_index=True)
    keep_copy(path, known, whole)
    last = whole.drop_duplicates(["target", "source"], keep="last").sort_values(["target", "source"])
    return [PastTransfer.model_validate(row) for row in last.drop(columns=["run", "ended"]).to_dict("records")]


def _row(run: Run) -> tuple[object, ...]:
    params, metrics = run.data.params, run.data.metrics
    names = params["target"], params["source"], params["dataset"]
    return run.info.run_id, run.info.end_time, *names, *(metrics[each] for each in (SCORE, GAIN, WIDER, HEADROOM))


def _runs(connection: Connection, wanted: str, view: int) -> Iterator[Run]:
    return every_page(
        lambda token: connection.client.search_runs(
            [connection.experiment_id], wanted, run_view_type=view, max_results=PAGE, page_token=token
        )
    )
