"""A real git and DVC project with a tiny zoo, and ways to run commands in it."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
SOURCES = (
    *("dvc.yaml", "MLproject", "conda.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"),
    *("pipelines", "taskzoo"),
)
PARITY = {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}
TASKS = {
    "digits-is-0": {"dataset": "digits", "groups": {"zero": [0]}, "rest": "rest"},
    "digits-parity": {"dataset": "digits", "groups": PARITY},
    "digits-0123": {"dataset": "digits", "groups": {str(digit): [digit] for digit in range(4)}},
}
PARAMS: dict[str, object] = {
    "seed": 0,
    "datasets": {"digits": {"format": "digits", "path": "taskzoo/data/embedded.py"}},
    "tasks": TASKS,
    "split": {"val": 0.25, "test": 0.25},
    "sizes": {"train": 80, "val": 40, "test": 40},
    "probe": {"backbone": "test_efficientnet", "image_size": 32, "seed": 0},
    "train": {"repeats": 2, "steps": 40, "batch_size": 16, "learning_rate": 0.01},
    "fisher": {"images": 16, "head_images": 40},
    "distance": {"measures": ["fisher_kernel", "ridge_loo", "unlikeness", "pixel_unlikeness", "ftd"]},
    "recommend": {"measure": "fisher_kernel"},
    "search": {
        "cells": {"nodes": 2, "width": 8},
        "seeds": 2,
        "trials": 3,
        "steps": 3,
        "batch_size": 16,
        "final": {"steps": 4},
    },
    "compare": {"images_per_class": 4, "steps": 3, "batch_size": 8, "draws": 2},
}
SECONDS = 900
Done = subprocess.CompletedProcess[str]


def environment(root: Path) -> dict[str, str]:
    """Return the environment of a user who has activated the project's virtual environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DVC_", "GIT_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root.parent / "dvc-site-cache"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@dataclass(frozen=True)
class Project:
    """A project's folder."""

    root: Path

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment(self.root),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> Done:
        process = self.start(*command)
        output, errors = process.communicate(timeout=SECONDS)
        return Done(command, process.returncode, output, errors)

    def succeed(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def changes(self) -> list[str]:
        """Return what `git status` shows."""
        return self.succeed("git", "status", "--short").splitlines()

    def params(self) -> dict[str, dict[str, object]]:
        read: dict[str, dict[str, object]] = yaml.safe_load((self.root / "params.yaml").read_text())
        return read

    def write_params(self, params: object) -> None:
        (self.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def copy(self, root: Path, *, store: bool = True) -> "Project":
        """Copy the project; a copied store still names the first one's artifacts, so it may only be read."""
        left_out = () if store else ("mlflow.db*", "mlartifacts", ".taskzoo")
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns(*left_out))
        return Project(root)


def make_project(root: Path) -> Project:
    """Make a git and DVC project, committed, with nothing run in it yet."""
    for name in SOURCES:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    project = Project(root)
    project.write_params(PARAMS)
    for command in (
        ("init", "--quiet"),
        ("config", "user.name", "test"),
        ("config", "user.email", "test@example.com"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "A tiny zoo"),
    ):
        project.succeed("git", *command)
    return project


def contents(root: Path, *parts: str) -> dict[str, str]:
    """Return the digest of every file at or below the named places, hidden ones too."""
    files = [file for part in parts for file in ((root / part).rglob("*") if (root / part).is_dir() else [root / part])]
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
        if file.is_file()
    }


def workspace(root: Path) -> dict[str, str]:
    """Return all files of a project that a refused command must leave alone, by digest."""
    left_out = {".git", ".dvc", "mlflow.db", "mlflow.db.lock", "mlartifacts", "data-docs", ".taskzoo", "__pycache__"}
    places = [each.name for each in root.iterdir() if each.name not in left_out]
    return {name: digest for name, digest in contents(root, *places).items() if "__pycache__" not in name}


def store(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows that tell models, versions, aliases and runs of the store, and its artifacts' names."""
    queries = {
        "models": "SELECT name FROM registered_models ORDER BY 1",
        "versions": "SELECT name, version, run_id FROM model_versions ORDER BY 1, 2",
        "aliases": "SELECT name, alias, version FROM registered_model_aliases ORDER BY 1, 2",
        "logged": "SELECT model_id, status FROM logged_models ORDER BY 1",
        "runs": """SELECT r.run_uuid, r.name, r.status FROM runs r JOIN experiments e USING (experiment_id)
                   WHERE e.name = 'taskzoo' ORDER BY 1""",
    }
    with closing(sqlite3.connect(f"file:{root / 'mlflow.db'}?mode=ro", uri=True)) as database:
        found: dict[str, list[tuple[object, ...]]] = {
            name: list(database.execute(query)) for name, query in queries.items()
        }
    artifacts = sorted(each.relative_to(root).as_posix() for each in (root / "mlartifacts").rglob("*"))
    return found | {"artifacts": [(name,) for name in artifacts]}


def textures(root: Path, count: int = 30, classes: int = 3) -> Path:
    """Make one folder a class of photographs' stand-ins: stripes of the class's own period, colour and noise."""
    ramp = np.arange(32, dtype=np.float64)
    for label in range(classes):
        folder = root / f"stripes-{label}"
        folder.mkdir(parents=True)
        for number in range(count):
            generator = np.random.default_rng([label, number])
            phase, noise = generator.uniform(0, 2 * np.pi), generator.normal(0, 20, (32, 32, 3))
            wave = np.sin(2 * np.pi * ramp / (3 + 4 * label) + phase)[None, :, None] * generator.uniform(60, 100, 3)
            pixels = np.clip(128 + wave + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    return root
