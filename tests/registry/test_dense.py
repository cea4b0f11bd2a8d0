"""A dense task from its search to the model that is served: images in, an image or numbers out."""

import io
import json
import shutil
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from PIL import Image

from taskzoo.params import FinalParams, SearchParams
from taskzoo.probe.forms import form_of
from taskzoo.probe.network import initial_state, normalise
from taskzoo.registry.layout import FIGURES, NETWORK_FILES
from taskzoo.registry.package import read_package
from taskzoo.registry.store import Registry
from taskzoo.search.network import load_network
from taskzoo.search.spaces import make_space_for
from taskzoo.search.strategies import STRATEGIES
from taskzoo.search.tuning import EXAMPLES, METRICS, make_problem, options, write_search
from tests.data.pictures import encoded
from tests.fisher.test_dense import CLASSES, NUMBERS, SIDE, SOFT, WHOLE, dense_task
from tests.registry.packages import PROBE, make_package

SEARCH = SearchParams(steps=6, batch_size=8, final=FinalParams(steps=6, batch_size=8))


@pytest.mark.parametrize("name", [NUMBERS, CLASSES, WHOLE])
def test_a_dense_task_is_registered_shown_and_served(name: str, registry: Registry, tmp_path: Path) -> None:
    task, state = dense_task(name), initial_state(PROBE)
    form = form_of(task)
    space = make_space_for(form, SEARCH, PROBE, state)
    trials = STRATEGIES["random"](space, make_problem(task, SEARCH, PROBE), 2, 0)
    found, arms = tmp_path / "search", {"full": options(space)}
    write_search(found, task, space, state, arms, trials, SEARCH, PROBE)
    shown = Image.open(found / EXAMPLES)
    assert shown.size[0] > 3 * SIDE  # Input, target and prediction.

    package = make_package(tmp_path / "package", "rooms")
    for file in (*NETWORK_FILES, METRICS):
        shutil.copyfile(found / file, package.folder / file)
    (package.folder / FIGURES).mkdir(exist_ok=True)
    shutil.copyfile(found / EXAMPLES, package.folder / FIGURES / EXAMPLES)
    card = json.loads((package.folder / "task.json").read_text())
    card["dataset"]["synthetic"] = True
    card |= {"classes": [], "labels": {"dataset": card["labels"]["dataset"], "target": name}}
    (package.folder / "task.json").write_text(json.dumps(card))
    assert read_package(package.folder).network.pixels is not None
    registry.register(package.folder)
    (entry,) = registry.query()
    version = MlflowClient(registry.uri).get_model_version_by_alias("rooms", "champion")
    assert f"| dense target | {name} (" in str(version.description)
    assert f"| data set | {card['dataset']['name']}, synthetic (" in str(version.description)

    images = task.test.images[:3]
    asked = pd.DataFrame({"image": [encoded(image.transpose(1, 2, 0)) for image in images]})
    answer = mlflow.pyfunc.load_model(entry.location).predict(asked)
    _, network = load_network(found)
    with torch.no_grad():
        wanted = form.values(network(normalise(images, PROBE)))  # type: ignore[attr-defined]
    for row, values in enumerate(wanted):
        assert np.array(answer["values"][row]) == pytest.approx(values.numpy(), abs=1e-4)
        if name == WHOLE:
            assert list(answer.columns) == ["values"]
            continue
        picture = Image.open(io.BytesIO(answer["image"][row]))
        assert (picture.format, picture.size) == ("PNG", (SIDE, SIDE))


def test_soft_labels_are_searched_and_tuned_as_classes(tmp_path: Path) -> None:
    task, state = dense_task(SOFT), initial_state(PROBE)
    space = make_space_for(form_of(task), SEARCH, PROBE, state)
    for strategy in ("random", "fuse", "snas"):
        trials = STRATEGIES[strategy](space, make_problem(task, SEARCH, PROBE), 3, 0)
        assert trials
    metrics = write_search(tmp_path / "search", task, space, state, {"full": options(space)}, trials, SEARCH, PROBE)
    spec, _ = load_network(tmp_path / "search")
    assert len(spec.classes) == 63
    assert 0 <= metrics["tuned_test_accuracy"] <= 1
    assert not (tmp_path / "search" / EXAMPLES).exists()


def test_a_package_whose_classes_and_pixels_disagree_is_refused(tmp_path: Path) -> None:
    package = make_package(tmp_path / "package", "rooms")
    spec = json.loads((package.folder / "architecture.json").read_text())
    spec["pixels"] = {"target": NUMBERS, "centre": [0.0], "unit": [1.0], "constant": [0.0]}
    (package.folder / "architecture.json").write_text(json.dumps(spec))
    with pytest.raises(Exception, match="two classes at least, or pixels and no classes"):
        read_package(package.folder)
