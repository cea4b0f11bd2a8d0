"""params.yaml is checked whole, and every refusal names its field."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from taskzoo.errors import InputError
from taskzoo.params import Params, TaskParams, load_params, parse_params

ROOT = Path(__file__).parent.parent


@pytest.fixture
def raw() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    return loaded


@pytest.mark.parametrize("path", ["params.yaml", "params/cifar.yaml"])
def test_shipped_files_are_valid_and_have_eight_tasks(path: str) -> None:
    params = load_params(ROOT / path)
    assert len(params.tasks) >= 8
    assert params.train.repeats == 3


def test_shipped_file_spells_out_every_key(raw: dict[str, Any]) -> None:
    for name, field in Params.model_fields.items():
        if name not in ("datasets", "tasks", "seed"):
            assert set(raw[name]) == set(field.annotation.model_fields), name  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train.stepz", 3, "key 'train.stepz' is unknown"),
        ("train.steps", "many", "train.steps is 'many'; expected"),
        ("train.eps", 2, "train.eps is 2"),
        ("tasks.mnist-ten.dataset", "minst", "tasks.mnist-ten.dataset is 'minst'; expected one of datasets"),
        ("tasks.a/b", {"dataset": "mnist"}, "the name 'a/b' is not usable"),
        ("tasks...", {"dataset": "mnist"}, r"the name '\.\.' is not usable"),
        ("tasks.a b", {"dataset": "mnist"}, "the name 'a b' is not usable"),
        ("split.val", 0.9, "val \\+ test is 1.1"),
        ("recommend.measure", "leap", "recommend.measure is 'leap'"),
        ("distance.measures", ["ftd"], "recommend.measure is 'fisher_kernel'; expected one of distance.measures"),
    ],
)
def test_bad_values_are_named(raw: dict[str, Any], path: str, value: object, message: str) -> None:
    bad = deepcopy(raw)
    section, key = ("tasks", path[6:]) if path in ("tasks...", "tasks.a b", "tasks.a/b") else path.rsplit(".", 1)
    place = bad
    for part in section.split("."):
        place = place[part]
    place[key] = value
    with pytest.raises(InputError, match=message) as caught:
        parse_params(bad, "params.yaml")
    assert str(caught.value).startswith("params.yaml: ")
    assert str(caught.value).count("\n") == 0


def test_models_are_not_searched_by_supernets(raw: dict[str, Any]) -> None:
    raw["search"] |= {"space": "models", "strategies": ["fuse", "snas"]}
    with pytest.raises(InputError, match="search: strategies has snas, which trains one network of all options"):
        parse_params(raw, "p")


def test_a_missing_section_a_missing_file_and_broken_yaml(raw: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'tasks' is missing"):
        parse_params({key: value for key, value in raw.items() if key != "tasks"}, "p")
    with pytest.raises(InputError, match="does not exist"):
        load_params(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(InputError, match="is not YAML"):
        load_params(tmp_path / "bad.yaml")


def test_what_does_not_serve_a_dense_target_is_refused_beside_it() -> None:
    content: dict[str, Any] = {
        "datasets": {"rooms": {"path": "x", "format": "rooms"}},
        "tasks": {"depth": {"dataset": "rooms", "target": "depth_zbuffer"}},
        "distance": {"measures": ["fisher_kernel"]},
    }
    with pytest.raises(InputError, match=r"tasks.depth: recommend.dense_measure is 'ridge_loo'; expected one of"):
        parse_params(content, "p")
    content["distance"] = {"measures": ["ridge_loo"]}
    params, normal = parse_params(content, "p"), TaskParams(dataset="rooms", target="normal")
    assert params.unmeasured(normal) == ""
    assert params.recommend.ranks(normal) == "ridge_loo"
    assert params.unmeasured(TaskParams(dataset="rooms")) == (
        "recommend.measure is 'fisher_kernel'; expected one of distance.measures"
    )
