"""Every kind of space from parameters to a saved network and back."""

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.errors import InputError
from taskzoo.params import (
    CellsParams,
    FinalParams,
    NASBench201Params,
    SearchParams,
    SpaceName,
    StagesParams,
    parse_params,
)
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import initial_state
from taskzoo.records import read_json
from taskzoo.search.cells import CellSpace
from taskzoo.search.finalists import train_finalists
from taskzoo.search.models import ModelSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.network import SPEC_FILE, describe_network, load_network, load_spec, save_network
from taskzoo.search.results import SearchRecord, elites
from taskzoo.search.run import search_task
from taskzoo.search.space import SearchSpace, encode, sample
from taskzoo.search.spaces import describe_space, make_space
from taskzoo.search.stages import StageSpace
from taskzoo.search.tuning import METRICS, TRIALS, make_problem, options, write_search
from tests.search.conftest import PROBE

KINDS: tuple[SpaceName, ...] = get_args(SpaceName)
SMALL = SearchParams(
    cells=CellsParams(nodes=2, width=8),
    stages=StagesParams(count=2),
    models=["test_resnet", "test_convnext3"],
    nasbench201=NASBench201Params(cells=1, width=4),
    strategies=["random"],
    trials=2,
    steps=1,
    final=FinalParams(steps=2, batch_size=16),
    batch_size=16,
)
STATE = initial_state(PROBE)


def params(kind: SpaceName) -> SearchParams:
    return SMALL.model_copy(update={"space": kind})


def task() -> Task:
    rng = np.random.default_rng(0)
    splits = {
        name: TaskSplit(rng.integers(0, 256, (16, 3, 32, 32), dtype=np.uint8), np.arange(16) % 2)
        for name in ("train", "val", "test")
    }
    return Task("t", ("a", "b"), "digest", "dataset digest", splits)


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_leaves_a_network_that_comes_back(kind: SpaceName, tmp_path: Path) -> None:
    given, chosen = task(), params(kind)
    space, problem = make_space(chosen, PROBE, STATE), make_problem(given, chosen, PROBE)
    trials = search_task(space, space, problem, chosen, "full", 0)
    metrics = write_search(tmp_path, given, space, STATE, {"full": options(space)}, trials, chosen, PROBE)
    assert read_json(tmp_path / TRIALS, SearchRecord, "search").kind == kind
    assert json.loads((tmp_path / METRICS).read_text()) == metrics
    assert not {name for name in metrics if name.startswith("inherited")}
    best = encode(space, elites(trials, 1)[0].architecture)
    finalists = train_finalists(space, best, None, PROBE.backbone, STATE, problem, chosen.final)
    assert load_spec(tmp_path / SPEC_FILE).finalist == finalists[0].name
    comes_back(tmp_path, finalists[0].network)
    searched = next(each for each in finalists if each.name == "searched")
    save_network(tmp_path, describe_network(space, best, PROBE, ("a", "b")), searched.network)
    assert load_spec(tmp_path / SPEC_FILE).space.kind == kind
    comes_back(tmp_path, searched.network)


def comes_back(folder: Path, network: nn.Module) -> None:
    """Check that the folder alone gives the network's logits."""
    _, rebuilt = load_network(folder)
    images, _ = tensors(task().test, PROBE)
    with torch.no_grad():
        assert torch.equal(rebuilt(images), network(images))


def test_parameters_size_the_space() -> None:
    made = {kind: make_space(params(kind), PROBE, STATE) for kind in KINDS}
    cells, stages, models, table = (made[kind] for kind in ("cells", "stages", "models", "nasbench201"))
    assert isinstance(cells, CellSpace)
    assert (cells.backbone, cells.nodes, cells.width) == ("test_resnet", 2, 8)
    assert isinstance(stages, StageSpace)
    assert (stages.image_size, stages.count, stages.width) == (32, 2, 16)
    assert isinstance(models, ModelSpace)
    assert set(models.weights) == {"test_resnet"}
    assert isinstance(table, NASBench201Space)
    assert (table.cells, table.width) == (1, 4)


def test_a_description_keeps_what_makes_the_space() -> None:
    for kind in KINDS:
        space = make_space(params(kind), PROBE, STATE)
        again: SearchSpace = describe_space(space).make(32)
        assert again.choices == space.choices
        assert describe_space(again) == describe_space(space)


@pytest.mark.parametrize("kind", ["cells", "models"])
def test_files_of_the_first_version_are_read(kind: SpaceName, tmp_path: Path) -> None:
    space = make_space(params(kind), PROBE, STATE)
    architecture = sample(space, np.random.default_rng(0))
    network = space.assemble(architecture, space.build(architecture, 2))
    spec = describe_network(space, architecture, PROBE, ("a", "b"))
    save_network(tmp_path, spec, network)
    content = json.loads((tmp_path / SPEC_FILE).read_text())
    del content["space"], content["finalist"]
    content["schema_version"] = 1
    content["backbone"] = spec.architecture.get("model", "test_resnet")
    content["cell"] = {"nodes": 2, "width": 8} if kind == "cells" else None
    (tmp_path / SPEC_FILE).write_text(json.dumps(content))
    loaded = load_spec(tmp_path / SPEC_FILE)
    assert (loaded.schema_version, loaded.finalist) == (2, "searched_plain")
    comes_back(tmp_path, network)


def test_an_unknown_space_is_refused(tmp_path: Path) -> None:
    space = make_space(params("stages"), PROBE, STATE)
    spec = describe_network(space, (0,) * len(space.choices), PROBE, ("a", "b"))
    (tmp_path / SPEC_FILE).write_text(spec.model_dump_json().replace('"stages"', '"trees"'))
    with pytest.raises(InputError, match=r"architecture.json is damaged: space is .*expected: .*'trees'"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"space": "trees"}, "search.space is 'trees'"),
        ({"stages": {"width": 24}}, "search.stages.width is 24; expected: .*multiple of 16"),
        ({"stages": {"count": 1}}, "search.stages.count is 1"),
        ({"nodes": 4}, "the key 'search.nodes' is unknown"),
    ],
)
def test_wrong_dimensions_are_told(section: dict[str, object], message: str) -> None:
    raw = {"datasets": {"d": {"path": "p"}}, "tasks": {"t": {"dataset": "d"}}, "search": section}
    with pytest.raises(InputError, match=message):
        parse_params(raw, "params.yaml")
