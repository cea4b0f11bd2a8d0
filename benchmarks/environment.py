"""Where a figure was measured."""

import json
import os
import platform
from pathlib import Path

import torch

from benchmarks.packages import installed
from taskzoo.files import write_json

PACKAGES = ("torch", "timm", "mlflow", "dvc", "great_expectations", "numpy")


def environment() -> dict[str, str | int]:
    """Return processor, cores, memory in GiB, accelerator and versions."""
    model = [
        line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model[0] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        **{name: installed(name) for name in PACKAGES},
    }


def environments(path: Path) -> list[dict[str, str | int]]:
    """Return where results were measured, the first first."""
    found: list[dict[str, str | int]] = json.loads(path.read_text()) if path.exists() else []
    return found


def note_environment(path: Path) -> None:
    """Add where this run measures to a file of environments, unless it is there."""
    if environment() not in environments(path):
        write_json(path, [*environments(path), environment()])
