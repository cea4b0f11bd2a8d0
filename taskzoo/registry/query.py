"""Finding registered tasks, and getting their packages back."""

import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion

from taskzoo.errors import InputError
from taskzoo.files import new_folder
from taskzoo.registry.connection import Connection
from taskzoo.registry.guards import told
from taskzoo.registry.package import digest_package, read_package
from taskzoo.registry.records import SCHEMA
from taskzoo.registry.runs import every_page
from taskzoo.registry.versions import ARTIFACT, CHAMPION

PAGE = 1000
DIGEST = "package_digest"
Values = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class ZooEntry:
    """A registered task: the version that its alias ``champion`` points to.

    Args:
        name: The task.
        version: Number of the version.
        tags: What it is found by.
        metrics: Its numbers.
        distances: Measure -> source -> one value for each repeat.
        location: Where MLflow keeps the model's files.
    """

    name: str
    version: int
    tags: dict[str, str]
    metrics: dict[str, float]
    distances: Values
    location: str


def find_entries(
    connection: Connection, fingerprint: str | None, names: Collection[str] | None = None
) -> list[ZooEntry]:
    """Return the registered tasks in name order.

    With a fingerprint, a task whose champion belongs to another probe is found by its newest version of this
    one: zoos of several probes can share a store and names.

    Args:
        connection: The store.
        fingerprint: Only tasks that are comparable with it; left out: all.
        names: Only these tasks; left out: all.

    Returns:
        One entry a task.

    Raises:
        InputError: If the fingerprint is none.
    """
    wanted = f"tags.schema = '{SCHEMA}'"
    if names is not None and not names:
        return []
    if fingerprint is not None:
        if not re.fullmatch(r"[0-9a-f]{1,64}", fingerprint):
            raise InputError(
                f"the fingerprint {fingerprint!r} is none; expected hexadecimal digits; copy them from a task card."
            )
        wanted += f" and tags.fingerprint = '{fingerprint}'"
    scope = "" if names is None else f"name IN ({', '.join(map(_quoted, sorted(names)))})"
    champions = dict(_champions(connection, scope))
    wanted = f"{scope} and {wanted}" if scope else wanted
    models = {_digest(model): model for model in _ready_models(connection, wanted)}
    chosen: dict[str, ModelVersion] = {}
    for found in _versions(connection, wanted):
        if _digest(found) not in models:
            continue
        if fingerprint is None and champions.get(found.name) != int(found.version):
            continue
        best = chosen.get(found.name)
        if best is None or _preference(found, champions) > _preference(best, champions):
            chosen[found.name] = found
    return [
        _entry(name, int(found.version), found.tags, models[_digest(found)]) for name, found in sorted(chosen.items())
    ]


def _quoted(name: str) -> str:
    return f"'{name}'"


def _digest(found: ModelVersion | LoggedModel) -> str:
    return str(found.tags.get(DIGEST, ""))


def _champions(connection: Connection, scope: str) -> Iterator[tuple[str, int]]:
    """Yield tasks with the version that their alias ``champion`` points to."""
    client = connection.client
    for registered in every_page(lambda token: client.search_registered_models(scope or None, page_token=token)):
        if CHAMPION in registered.aliases:
            yield registered.name, int(registered.aliases[CHAMPION])


def _versions(connection: Connection, wanted: str) -> Iterator[ModelVersion]:
    """Yield the versions that match a filter."""
    return every_page(lambda token: connection.client.search_model_versions(wanted, max_results=PAGE, page_token=token))


def _ready_models(connection: Connection, wanted: str) -> Iterator[LoggedModel]:
    """Yield the finished logged models that match a filter."""
    pages = every_page(
        lambda token: connection.client.search_logged_models([connection.experiment_id], wanted, page_token=token)
    )
    return (model for model in pages if model.status == LoggedModelStatus.READY)


def _preference(version: ModelVersion, champions: Mapping[str, int]) -> tuple[bool, int]:
    """Order a model's versions: its champion last, the newest before it."""
    return champions.get(version.name) == int(version.version), int(version.version)


def _entry(name: str, version: int, tags: dict[str, str], model: LoggedModel) -> ZooEntry:
    """Return a version's entry, its metrics sorted into numbers and distances of each repeat."""
    metrics: dict[str, float] = {}
    values: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for metric in model.metrics or []:
        if metric.key.startswith("repeats."):
            _, measure, source = metric.key.split(".")
            values[measure][source][metric.step] = metric.value
        else:
            metrics[metric.key] = metric.value
    distances = {
        measure: {source: [steps[step] for step in sorted(steps)] for source, steps in sorted(sources.items())}
        for measure, sources in sorted(values.items())
    }
    return ZooEntry(name, version, dict(tags), metrics, distances, model.artifact_location)


def fetch_package(connection: Connection, entry: ZooEntry, to: Path) -> Path:
    """Download a task's package, unless it is there, and check that it is the registered one.

    Args:
        connection: The store.
        entry: The task.
        to: Folder of fetched packages, one subfolder each, named by digest.

    Returns:
        The package's folder.

    Raises:
        InputError: If what came is damaged or not what was registered.
    """
    expected = entry.tags[DIGEST]
    if not re.fullmatch(r"[0-9a-f]{64}", expected):
        raise InputError(
            f"the tag package_digest of {entry.name} is {expected!r}; expected 64 hexadecimal digits; "
            "delete that version, then register the package folder again."
        )
    folder = to / expected
    if folder.is_dir() and digest_package(folder) == expected:
        return folder
    place = f"{entry.location.rstrip('/')}/artifacts/{ARTIFACT}"
    with tempfile.TemporaryDirectory() as scratch, told(connection.uri):
        fetched = Path(download_artifacts(place, dst_path=scratch, tracking_uri=connection.uri))
        found = read_package(fetched).digest
        if found != expected:
            raise InputError(
                f"the package of {entry.name} in {connection.uri} has digest {found[:12]}; expected "
                f"{expected[:12]} as registered; delete that version, then register the package folder again."
            )
        with new_folder(folder) as temporary:
            shutil.copytree(fetched, temporary, dirs_exist_ok=True)
    return folder
