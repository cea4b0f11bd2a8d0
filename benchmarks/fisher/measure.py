"""Measures what is missing of each case and keeps it: a killed run goes on where it was."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.fisher.cases import RIVALS, Case
from benchmarks.fisher.processes import DiedError, measure_environment, measure_memory, measure_time
from benchmarks.fisher.settings import Settings
from benchmarks.packages import installed
from taskzoo.files import write_json

Record = dict[str, Any]
Tell = Callable[[str, float], None]
LIBRARIES = ("backpack-for-pytorch", "nngeometry")
TIME_COST, MEMORY_COST = 60.0, 8.0  # Rough seconds of the steps, for the ETA.


class Store:
    """A folder with a file of results a case.

    Args:
        folder: Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, case: Case) -> Record:
        """Return what is known of a case: nothing where there is no file, or it is of another network or batch."""
        path = self._path(case)
        if not path.exists():
            return {}
        record: Record = json.loads(path.read_text())
        return record if record["case"] == identity(case) else {}

    def write(self, case: Case, record: Record) -> None:
        """Keep what is known of a case."""
        write_json(self._path(case), record)

    def remove(self, case: Case) -> None:
        """Forget a case."""
        self._path(case).unlink(missing_ok=True)

    def _path(self, case: Case) -> Path:
        return self.folder / f"{case.name}.json"


def identity(case: Case) -> Record:
    """Return what a result depends on of a case."""
    return {"model": case.model, "px": case.px, "batch": case.batch, "options": case.options}


def is_done(case: Case, record: Record, settings: Settings) -> bool:
    """Tell whether nothing of a case is missing."""
    if not record or (case.timed and lacks(record, "timing")):
        return False
    return not any(lacks(record["memory"], method) for method in with_memory(record, settings))


def with_memory(record: Record, settings: Settings) -> list[str]:
    """Return the methods whose memory is measured: plain, ours and the rivals that are exact."""
    rivals = record.get("timing", {}).get("rivals", {}) if settings.rival_memory else {}
    return ["plain", "ours", *(name for name, rival in rivals.items() if rival["status"] == "exact")]


def cost(case: Case, settings: Settings) -> float:
    """Return about how long a case takes, in seconds."""
    rivals = len(RIVALS) if settings.rival_memory and case.timed else 0
    return TIME_COST * case.timed + MEMORY_COST * (2 + rivals)


def measure(cases: Sequence[Case], settings: Settings, store: Store, tell: Tell) -> None:
    """Measure what is missing of cases.

    Args:
        cases: Which.
        settings: How.
        store: Holds the results; written after every step.
        tell: Called with what runs now and the share of ``cost`` that has been spent since the last call.
    """
    context = {"environment": measure_environment(), "libraries": versions(), "settings": asdict(settings)}
    for case in cases:
        record = {"memory": {}, **store.read(case), "case": identity(case), **context, "load": os.getloadavg()[0]}
        rest = cost(case, settings)
        if case.timed:
            tell(f"{case.name}: time", 0)
            if lacks(record, "timing"):
                record["timing"] = attempt(measure_time, case, settings)
                store.write(case, record)
            tell(case.name, TIME_COST)
            rest -= TIME_COST
        for method in with_memory(record, settings):
            tell(f"{case.name}: memory of {method}", 0)
            if lacks(record["memory"], method):
                record["memory"][method] = attempt(measure_memory, case, settings, method)
                store.write(case, record)
            tell(case.name, MEMORY_COST)
            rest -= MEMORY_COST
        tell(case.name, rest)


def lacks(record: Record, part: str) -> bool:
    """Tell whether a part has not been measured, or without success."""
    return "error" in record.get(part, {"error": ""})


def attempt(step: Callable[..., Record], *arguments: object) -> Record:
    """Return a step's figures, or why there are none; it is tried again in the next run."""
    try:
        return step(*arguments)
    except DiedError as error:
        return {"error": str(error)}


def versions() -> dict[str, str]:
    """Return the versions of the rivals' libraries."""
    return {name: installed(name) for name in LIBRARIES}
