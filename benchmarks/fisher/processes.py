"""Fresh processes with pinned threads, in which every figure is measured."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fisher.cases import Case
from benchmarks.fisher.settings import Settings, encode

ROOT = Path(__file__).resolve().parents[2]
PINNED = ("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Memory set free goes back to the system at once, so that the high-water mark shows what is in use.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
HANGS = 1800.0


class DiedError(Exception):
    """A measuring process ended without its result."""


def measure_time(case: Case, settings: Settings) -> dict[str, Any]:
    """Return a case's times; a rival that kills the process is left out of the next one.

    Raises:
        DiedError: If plain and ours could not be timed.
    """
    died: list[str] = []
    while True:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "timing.json"
            end = run("timing", encode(case, settings, path=str(path), died=died), settings, {})
            if not path.exists():
                raise DiedError(end or "no result")
            record: dict[str, Any] = json.loads(path.read_text())
        if end is None:
            return record
        fallen = [name for name, rival in record["rivals"].items() if rival["status"] == "died" and name not in died]
        if not fallen:
            raise DiedError(end)
        died += fallen


def measure_memory(case: Case, settings: Settings, method: str) -> dict[str, Any]:
    """Return a method's memory.

    Raises:
        DiedError: If there is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.json"
        end = run("memory", encode(case, settings, path=str(path), method=method), settings, MALLOC)
        if end is not None:
            raise DiedError(end)
        record: dict[str, Any] = json.loads(path.read_text())
        return record


def measure_environment() -> dict[str, Any]:
    """Return where this runs, found by a process that is not pinned: this one must not load torch to be so too."""
    code = "import json; from benchmarks.environment import environment; print(json.dumps(environment()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables({}), check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(module: str, argument: str, settings: Settings, more: dict[str, str]) -> str | None:
    """Run a measuring module pinned; return why it failed, or None."""
    pinned = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(settings.threads))
    command = [sys.executable, "-m", f"benchmarks.fisher.{module}", argument]
    return ending(command, variables({**pinned, **threads, **more}))


def ending(command: Sequence[str], environment: dict[str, str]) -> str | None:
    """Run a command in the project; return None where it succeeded, else one line that tells why it did not."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=HANGS
        )
    except subprocess.TimeoutExpired:
        return f"ran for more than {HANGS:g} s"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").splitlines()
    return f"exit {done.returncode}: {(lines or [''])[-1][:300]}"


def variables(more: dict[str, str]) -> dict[str, str]:
    """Return this process's environment without what pins threads, and with ``more``."""
    return {name: value for name, value in os.environ.items() if name not in PINNED} | more
