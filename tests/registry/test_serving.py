"""The registered model answers as the tuned network does, through MLflow's own loaders."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from taskzoo.data.images import decode
from taskzoo.data.store import build_dataset, load_split
from taskzoo.data.tasks import load_task
from taskzoo.params import (
    DatasetParams,
    NASBench201Params,
    SearchParams,
    SizeParams,
    SpaceName,
    SplitParams,
    TaskParams,
)
from taskzoo.probe.network import normalise
from taskzoo.registry.package import Package
from taskzoo.registry.store import Registry
from taskzoo.search.network import load_network
from tests.registry.packages import PROBE, make_package, png
from tests.registry.servers import free_port, running

IMAGES = [png(seed) for seed in range(3)]
# What a machine that only serves need not have.
ABSENT = ("great_expectations", "dvc", "typer", "seaborn", "mlxtend")


def location(zoo: Registry) -> Path:
    (entry,) = zoo.query()
    return Path(unquote(urlsplit(entry.location).path))


def expected(package: Package, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> list[list[float]]:
    _, network = load_network(package.folder)
    with torch.no_grad():
        answer: list[list[float]] = torch.softmax(network(normalise(pixels, PROBE)), 1).tolist()
    return answer


def test_loaded_model_answers_as_the_network(zoo: Registry, pets: Package) -> None:
    answers(zoo, pets)


@pytest.mark.parametrize("kind", ["stages", "models", "nasbench201"])
def test_networks_of_all_spaces_are_served(kind: SpaceName, registry: Registry, tmp_path: Path) -> None:
    search = SearchParams(space=kind, models=["test_convnext3"], nasbench201=NASBench201Params(cells=1))
    package = make_package(tmp_path / "package", "pets", search=search)
    registry.register(package.folder)
    answers(registry, package)
    client = MlflowClient(registry.uri)
    experiment = client.get_experiment_by_name("taskzoo")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.`taskzoo.stage` = 'search'")
    assert run.data.params["space"] == kind
    assert "trunk" not in run.data.params


def answers(zoo: Registry, package: Package) -> None:
    """Check that a store's one model answers as the network in its package."""
    model = mlflow.pyfunc.load_model(str(location(zoo)))
    answer = model.predict(pd.DataFrame({"image": IMAGES}))
    pixels = np.stack([np.asarray(decode(each).resize((32, 32), 2)).transpose(2, 0, 1) for each in IMAGES])
    wanted = expected(package, pixels)
    assert [list(row.values()) for row in answer["probabilities"]] == [pytest.approx(row, abs=1e-5) for row in wanted]
    assert list(answer["label"]) == [package.card.classes[int(np.argmax(row))] for row in wanted]
    assert list(answer["probability"]) == pytest.approx([max(row) for row in wanted], abs=1e-5)


def test_images_are_prepared_as_in_training(zoo: Registry, tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(30):
            path = tmp_path / "images" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(number + 100 * (label == "b"), side=16 + number))
    build_dataset("x", DatasetParams(path=str(tmp_path / "images")), SplitParams(), tmp_path / "data")
    task = load_task("x", TaskParams(dataset="x"), tmp_path / "data", SizeParams(), 32, 0, ["train"])
    stored = load_split(tmp_path / "data", "train", ["image"])["image"].to_pylist()
    model = mlflow.pyfunc.load_model(str(location(zoo))).unwrap_python_model()
    served = {pixels.tobytes() for pixels in model._pixels([cell["bytes"] for cell in stored])}
    trained = {pixels.tobytes() for pixels in task.train.images}
    assert len(trained) > 20
    assert trained <= served


def test_bad_image_is_named_by_row(zoo: Registry) -> None:
    model = mlflow.pyfunc.load_model(str(location(zoo)))
    with pytest.raises(MlflowException, match="image of row 1 is not an image"):
        model.predict(pd.DataFrame({"image": [IMAGES[0], b"no image"]}))


def test_model_serves_from_its_own_code(zoo: Registry, tmp_path: Path) -> None:
    script = f"""
import importlib.machinery, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(name)
sys.path = [place for place in sys.path if place not in ("", {str(Path.cwd())!r})]
sys.meta_path = [Absent()] + [finder for finder in sys.meta_path if "editable" not in str(finder).lower()]
import mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model({str(location(zoo))!r})
import taskzoo
assert taskzoo.__file__.startswith({str(location(zoo))!r}), taskzoo.__file__
print(model.predict(pd.DataFrame({{"image": [{IMAGES[0]!r}]}}))["label"][0])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] in {"cat", "dog", "rest"}


@pytest.mark.slow
def test_scoring_server_answers(zoo: Registry, pets: Package) -> None:
    port = free_port()
    command = [
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/pets@champion",
        "--env-manager",
        "local",
        "-p",
        str(port),
    ]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": zoo.uri}
    with running(command, f"http://127.0.0.1:{port}/ping", environment):
        good = [base64.b64encode(each).decode() for each in IMAGES]
        answer = ask(port, good)["predictions"]
        for row in answer:
            assert set(row["probabilities"]) == set(pets.card.classes)
            assert row["probabilities"][row["label"]] == row["probability"] == max(row["probabilities"].values())
        with pytest.raises(HTTPError) as caught:
            ask(port, [good[0], base64.b64encode(b"no image").decode()])
        assert caught.value.code == 400
        assert "image of row 1 is not an image" in caught.value.read().decode()


def ask(port: int, images: list[str]) -> Any:
    body = json.dumps({"dataframe_split": {"columns": ["image"], "data": [[image] for image in images]}})
    request = Request(f"http://127.0.0.1:{port}/invocations", body.encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as response:
        return json.load(response)
