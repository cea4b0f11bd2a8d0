"""The budgets of the design: the default zoo, a rerun that changes nothing, --help, and a new target.

``python -m benchmarks.budgets`` clones the committed project into a temporary folder and times what a user runs
there, one after the other, with the environment of this process; ``--summary`` prints the committed figures.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from benchmarks.environment import environment
from taskzoo.files import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/budgets.json"
BUDGETS = {"repro": 360.0, "repro_again": 10.0, "help": 1.0, "adapt_2000_images": 240.0}
CROPS, SIDE, HELPS = 1000, 64, 5


def measure() -> dict[str, float]:
    """Return seconds by budget."""
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
        seconds = {"repro": timed(project, "dvc", "repro"), "repro_again": timed(project, "dvc", "repro")}
        seconds["help"] = min(timed(project, "taskzoo", "--help") for _ in range(HELPS))
        images = write_crops(Path(scratch) / "crops")
        target = ("-P", f"dataset={images}", "-P", "name=crops")
        seconds["adapt_2000_images"] = timed(project, "mlflow", "run", ".", "--env-manager", "local", *target)
    return seconds


def timed(project: Path, *command: str) -> float:
    """Return the wall-clock seconds of a command run in a project's folder."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": paths, "PYTHONPATH": str(project), "DVC_NO_ANALYTICS": "1"}
    start = time.perf_counter()
    subprocess.run(command, cwd=project, env=variables, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def write_crops(folder: Path) -> Path:
    """Write random crops of scikit-learn's two sample photographs, a class each: real pixels, a made-up task."""
    rng = np.random.default_rng(0)
    for name, photograph in zip(("china", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        for number in range(CROPS):
            top, left = (int(rng.integers(side - SIDE)) for side in photograph.shape[:2])
            crop = Image.fromarray(photograph[top : top + SIDE, left : left + SIDE])
            crop.save(folder / name / f"{number:04d}.jpg", quality=92)
    return folder


def summary(results: dict[str, dict[str, float]]) -> str:
    """Return one JSON line: seconds, their share of the budget, and whether all are met."""
    shares = {name: round(results["seconds"][name] / budget, 3) for name, budget in BUDGETS.items()}
    met = all(share <= 1 for share in shares.values())
    return json.dumps({"seconds": results["seconds"], "share_of_budget": shares, "met": met})


def main() -> None:
    """Measure and write, or print what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summary", action="store_true", help="print the committed figures as one JSON line")
    if not parser.parse_args().summary:
        seconds = {name: round(value, 2) for name, value in measure().items()}
        write_json(RESULTS, {"environment": environment(), "budgets": BUDGETS, "seconds": seconds})
    print(summary(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
