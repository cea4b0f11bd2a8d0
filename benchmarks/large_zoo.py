"""Ten thousand registered tasks: what registering them costs, and how soon a new target has its shortlist.

``python -m benchmarks.large_zoo`` fills a real sqlite store (kept in ``.taskzoo/large_zoo``: it goes on where it was
killed), then ranks it through the file and through a real MLflow server. Names and appearances are made up, and the
versions hold no files; what a whole package costs is measured on those of ``make repro``, where there are some. How
often the best source survives a shortlist is counted on the real tasks of the transfer benchmark. ``--summary`` prints
the committed figures.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from rich.console import Console
from rich.progress import track

from benchmarks.environment import environment
from benchmarks.transfer.evaluate import known_scores
from benchmarks.transfer.metrics import inside
from benchmarks.transfer.recommender import CLASSES, LOOKS, coarse_scores
from benchmarks.transfer.settings import REGIMES, settings
from taskzoo.distance.appearance import Appearance, Cloud, sketch
from taskzoo.files import write_json
from taskzoo.recommend.shortlist import coarse_ranking
from taskzoo.registry.index import SKETCH
from taskzoo.registry.records import SCHEMA
from taskzoo.registry.store import Registry
from taskzoo.registry.versions import CHAMPION

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/large_zoo.json"
PLACE = ROOT / ".taskzoo/large_zoo"
TASKS, FEATURES, SHORTLIST = 10_000, 1280, 32
FINGERPRINT = "0" * 16
GOAL = 1.0  # Seconds from a target's appearance to its shortlist.


def made_up(number: int) -> Appearance:
    """Return the appearance of a task of one of a hundred kinds of images."""
    kind, own = np.random.default_rng(number % 100), np.random.default_rng([1, number])
    mean = np.abs(kind.normal(0, 1, FEATURES) + 0.3 * own.normal(0, 1, FEATURES))
    pixels = kind.uniform(0, 1, 7) + 0.1 * own.normal(0, 1, 7)
    return Appearance(
        features=Cloud(mean=tuple(mean), variance=float(FEATURES), images=300),
        pixels=Cloud(mean=tuple(pixels), variance=0.1, images=300),
        classes=10,
    )


def register(client: MlflowClient, experiment: str, run: str, number: int) -> None:
    """Register a task without files: a model, its version with all tags, and the alias."""
    name = f"task-{number:05d}"
    tags = {
        "task": name, "dataset": f"kind-{number % 100}", "fingerprint": FINGERPRINT, "schema": str(SCHEMA),
        "classes": "10", "package_digest": f"{number:064x}", "backbone": "tf_efficientnet_lite0", "synthetic": "true",
    }  # fmt: skip
    model = client.create_logged_model(experiment, name, tags=tags, model_type="taskzoo")
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.create_registered_model(name)
    version = client.create_model_version(
        name,
        source=model.artifact_location,
        run_id=run,
        tags=tags | {SKETCH: sketch(made_up(number))},
        model_id=model.model_id,
    )
    client.set_registered_model_alias(name, CHAMPION, version.version)


def fill() -> tuple[Registry, float]:
    """Return the store with all tasks, and the mean seconds of a registration, of the last call that did any."""
    registry = Registry(f"sqlite:///{PLACE}/mlflow.db", PLACE)
    client = MlflowClient(registry.uri)
    known = len(registry.index(FINGERPRINT, PLACE / "index").names)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    if known == TASKS:
        return registry, float(json.loads(RESULTS.read_text())["register_seconds"])
    run = client.create_run(experiment.experiment_id).info.run_id
    start = time.perf_counter()
    for number in track(range(known, TASKS), "register", console=Console(stderr=True)):
        register(client, experiment.experiment_id, run, number)
    return registry, (time.perf_counter() - start) / (TASKS - known)


def ranked(registry: Registry, folder: Path) -> dict[str, float]:
    """Return seconds by step: a first index, one that is at hand, the order of all tasks, the shortlist's entries."""
    target = made_up(TASKS + 7)
    seconds = {"first_index": timed(lambda: registry.index(FINGERPRINT, folder))}
    seconds["index"] = min(timed(lambda: registry.index(FINGERPRINT, folder)) for _ in range(3))
    index = registry.index(FINGERPRINT, folder)
    assert len(index.names) == TASKS
    effects = np.zeros(TASKS)
    seconds["order"] = min(timed(lambda: coarse_ranking(index.sketches, target, effects)) for _ in range(3))
    names = [str(name) for name in index.names[coarse_ranking(index.sketches, target, effects)[:SHORTLIST]]]
    seconds["shortlist_entries"] = min(timed(lambda: registry.query(FINGERPRINT, names)) for _ in range(3))
    return {step: round(value, 3) for step, value in seconds.items()}


def timed(call: Callable[[], object]) -> float:
    """Return the wall-clock seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@contextmanager
def server(uri: str) -> Iterator[str]:
    """Run a real MLflow server over a store until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "mlflow", "server", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=PLACE
    )
    try:
        for _ in range(240):
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def whole_package() -> float | None:
    """Return the mean seconds of registering a whole package of the default zoo, if `make repro` made some."""
    packages = sorted((ROOT / "packages").glob("*/task.json"))
    if not packages:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        registry = Registry(f"sqlite:///{scratch}/mlflow.db", Path(scratch))
        registry.register(packages[0].parent)  # Pays for the imports.
        others = packages[1:]
        return timed(lambda: [registry.register(path.parent) for path in others]) / len(others)


def measure() -> dict[str, Any]:
    """Return all figures."""
    registry, each = fill()
    found: dict[str, Any] = {"tasks": TASKS, "register_seconds": round(each, 4), "sqlite": ranked(registry, fresh())}
    with server(registry.uri) as uri:
        found["server"] = ranked(Registry(uri, PLACE), fresh())
    package = whole_package()
    return found | {"whole_package_seconds": None if package is None else round(package, 2)}


def fresh() -> Path:
    """Return an empty folder for an index."""
    folder = PLACE / "fresh"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def survival() -> dict[str, dict[str, float]]:
    """Return in what share of targets and draws the source that really is best comes first in the coarse ranking.

    Returns:
        Probe and regime -> share of the pool that is kept -> share of cases in which the best is kept.
    """
    out = {}
    for setting in settings():
        for regime in REGIMES:
            truth, scores = known_scores(setting, regime)
            if not {*LOOKS, CLASSES} <= set(scores):
                continue
            coarse = coarse_scores(truth, scores)
            places = []
            for row, pool in enumerate(inside(truth, "all")):
                trained = np.flatnonzero(pool[:-1])
                best = truth.mean[row, trained].argmax()
                score = coarse[row, trained]
                places.append((score > score[best]).sum(0) / len(trained))
            out[f"{setting} {regime}"] = {
                f"{share:.0%}": round(float((np.array(places) < share).mean()), 3) for share in (0.1, 0.25, 0.5)
            }
    return out


def headline(found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures, and whether a shortlist is ready in time from either store."""
    totals = {}
    for store in ("sqlite", "server"):
        totals[store] = round(found[store]["index"] + found[store]["order"], 3)
    return found | {
        "seconds_to_shortlist": totals,
        "best_survives": survival(),
        "met": all(total < GOAL for total in totals.values()),
    }


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        write_json(RESULTS, measure() | {"environment": environment()})
    found = json.loads(RESULTS.read_text())
    found.pop("environment")
    print(json.dumps(headline(found)))


if __name__ == "__main__":
    main()
