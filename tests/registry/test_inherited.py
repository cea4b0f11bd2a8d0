"""An architecture of the recommended source, from its elites to the model that is served."""

import shutil
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.params import FinalParams
from taskzoo.probe.network import initial_state, normalise
from taskzoo.recommend.inheritance import inherit
from taskzoo.registry.layout import NETWORK_FILES
from taskzoo.registry.package import read_package
from taskzoo.registry.store import Registry
from taskzoo.search.network import load_network
from taskzoo.search.results import Trial
from taskzoo.search.spaces import make_space
from taskzoo.search.tuning import METRICS, options, write_search
from tests.data.pictures import encoded
from tests.registry.packages import CELLS, CLASSES, PROBE, make_package

# Which third is bright, a long convolution sees soon; a small one sees it late.
LONG, SMALL = ({"level": "level2", "edge_0_1": operation} for operation in ("conv1x7_7x1", "sep3x3"))


def task() -> Task:
    """Make images that are bright in one third."""

    def split(count: int, seed: int) -> TaskSplit:
        labels = np.arange(count) % 3
        images = np.random.default_rng(seed).normal(100, 30, (count, 3, 32, 32))
        for image, label in zip(images, labels, strict=True):
            image[:, :, 11 * label : 11 * label + 11] += 60
        return TaskSplit(np.clip(images, 0, 255).astype(np.uint8), labels)

    splits = {"train": split(60, 0), "val": split(30, 1), "test": split(30, 2)}
    return Task("pets", CLASSES, "digest", "dataset digest", splits)


def test_it_wins_where_it_is_better_and_is_registered_and_served(registry: Registry, tmp_path: Path) -> None:
    final = FinalParams(steps=25, batch_size=16, shift=0.0, erase=0.0)
    state, params = initial_state(PROBE), CELLS.model_copy(update={"final": final})
    space = make_space(params, PROBE, state)
    inherited = inherit({"birds": [LONG]}, ["birds"], options(space))
    assert inherited is not None
    figures = {"seed": 0, "number": 1, "reward": 0.4, "accuracy": 0.4, "parameters": 1, "macs": 1}
    found = Trial.model_validate({"strategy": "random", "arm": "full", "architecture": SMALL, **figures})
    folder, arms = tmp_path / "search", {"full": options(space)}
    metrics = write_search(folder, task(), space, state, arms, [found], params, PROBE, inherited.architecture)
    others = [metrics[f"{name}_val_accuracy"] for name in ("searched", "searched_plain", "backbone")]
    assert metrics["tuned_val_accuracy"] == metrics["inherited_val_accuracy"] > max(others)
    spec, network = load_network(folder)
    assert (spec.finalist, spec.architecture) == ("inherited", LONG)

    package = make_package(tmp_path / "package", "pets")
    for name in (*NETWORK_FILES, METRICS):
        shutil.copyfile(folder / name, package.folder / name)
    assert read_package(package.folder).network == spec
    registry.register(package.folder)
    (entry,) = registry.query()
    assert entry.metrics["inherited_val_accuracy"] == metrics["inherited_val_accuracy"]
    client = MlflowClient(registry.uri)
    version = client.get_model_version_by_alias("pets", "champion")
    assert "| network | the best architecture of the recommended source, unchanged" in str(version.description)
    assert client.get_run(str(version.run_id)).data.params["finalist"] == "inherited"
    images = task().test.images[:4]
    asked = pd.DataFrame({"image": [encoded(image.transpose(1, 2, 0)) for image in images]})
    answer = mlflow.pyfunc.load_model(entry.location).predict(asked)
    with torch.no_grad():
        wanted = torch.softmax(network(normalise(images, PROBE)), 1)
    assert list(answer["probability"]) == pytest.approx(wanted.max(1).values.tolist(), abs=1e-5)
