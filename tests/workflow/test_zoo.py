"""What a new target is measured against: all of a small zoo, the most alike of a large one, nothing that is gone."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.distance.appearance import read_sketches, sketch
from taskzoo.errors import InputError
from taskzoo.params import Params
from taskzoo.probe.network import initial_state
from taskzoo.recommend.experience import PastTransfer
from taskzoo.registry.index import Index
from taskzoo.registry.store import Registry
from taskzoo.workflow.zoo import find_index, first_look, shortlist, still_registered
from tests.registry.packages import make_package

SIDE = 32


def bright(name: str, level: int) -> Task:
    """Make a task of noisy images around a grey level."""
    rng = np.random.default_rng(level)
    images = np.clip(rng.normal(level, 10, (24, 3, SIDE, SIDE)), 0, 255).astype(np.uint8)
    splits = dict.fromkeys(("train", "val", "test"), TaskSplit(images, np.arange(24) % 2))
    return Task(name=name, classes=("a", "b"), digest=name, dataset_digest=name, splits=splits)


def settings(count: int) -> Params:
    """Return parameters that measure so many tasks."""
    return Params.model_validate(
        {
            "datasets": {"d": {"path": "x"}},
            "tasks": {"t": {"dataset": "d"}},
            "probe": {"backbone": "test_efficientnet", "image_size": SIDE},
            "recommend": {"shortlist": count},
        }
    )


def test_a_large_zoo_is_cut_to_what_looks_most_alike() -> None:
    initial = initial_state(settings(1).probe)
    levels = {"dark": 20, "dim": 90, "mine": 120, "light": 200}
    tasks = {name: bright(name, level) for name, level in levels.items()}
    sketches = read_sketches([sketch(first_look(task, initial, settings(1))) for task in tasks.values()])
    index = Index(np.array(list(tasks)), sketches)
    assert shortlist(index, tasks["mine"], initial, settings(1), []) == ["dim"]
    assert set(shortlist(index, tasks["mine"], initial, settings(2), [])) == {"dim", "light"}
    assert shortlist(index, tasks["mine"], initial, settings(3), []) == ["dark", "dim", "light"]
    past = [
        PastTransfer(target=f"x{number}", source=source, score=0.0, gain=gain)
        for number in range(40)
        for source, gain in (("dark", 0.2), ("dim", 0.0), ("light", 0.0))
    ]
    assert set(shortlist(index, tasks["mine"], initial, settings(2), past)) == {"dim", "dark"}


def test_what_was_deleted_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    registry = Registry(None, tmp_path)
    packages = [make_package(tmp_path / "packages" / name, name, seed) for seed, name in enumerate(("pets", "birds"))]
    fingerprint = packages[0].card.fingerprint
    with pytest.raises(InputError, match="expected at least one task"):
        find_index(fingerprint)
    for package in packages:
        registry.register(package.folder)
    assert find_index(fingerprint).names.tolist() == ["birds", "pets"]
    MlflowClient(registry.uri).delete_registered_model("birds")
    assert still_registered(find_index(fingerprint).names.tolist(), fingerprint) == ["pets"]
