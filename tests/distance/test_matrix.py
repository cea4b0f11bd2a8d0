"""Rows sources, columns targets."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from taskzoo.distance.appearance import appearance, unlikeness
from taskzoo.distance.catalogue import MEASURES, measure
from taskzoo.distance.compute import HALVES, _halves, compute_distances, saved_appearance
from taskzoo.distance.ftd import ftd
from taskzoo.distance.matrix import Distances
from taskzoo.distance.protocol import Pair
from taskzoo.distance.ridge_loo import ridge_loo
from taskzoo.errors import InputError
from taskzoo.files import write_json
from taskzoo.fisher.observation import Observation, load_observation, save_observation
from taskzoo.fisher.pairs import NO_TRANSFER, PERMUTED, observation_path
from taskzoo.params import MeasureName
from tests.distance.examples import observation

TASKS = ("a", "b")
SOURCES = (*TASKS, NO_TRANSFER)


def fill(folder: Path, fingerprints: Sequence[str] = ("f", "f")) -> dict[tuple[str, str, int], Observation]:
    """Save random observations of all pairs in two repeats; one fingerprint a target."""
    rng = np.random.default_rng(0)
    for target, fingerprint in zip(TASKS, fingerprints, strict=True):
        for source in (*SOURCES, PERMUTED):
            for repeat in range(2):
                seen = observation(
                    {"w": rng.random((3, 4)), "v": rng.random(5)},
                    features=rng.random((6, 2)),
                    labels=[0, 1, 2] * 2,
                    pixels=rng.random((6, 7)),
                    source=source,
                    target=target,
                    repeat=repeat,
                    fingerprint=fingerprint,
                )
                save_observation(observation_path(folder, source, target, repeat), seen, "key")
    return {
        (source, target, repeat): load_observation(observation_path(folder, source, target, repeat))
        for source in (*SOURCES, PERMUTED)
        for target in TASKS
        for repeat in range(2)
    }


def distances(folder: Path, measures: Sequence[str] = tuple(MEASURES)) -> Distances:
    """Compute measures of what ``fill`` saved."""
    looks = {name: saved_appearance(folder, name, 2) for name in TASKS}
    return compute_distances(folder, SOURCES, TASKS, 2, measures, dict.fromkeys(TASKS, "ridge_loo"), looks)


def test_every_measure_of_the_parameters_exists_and_no_other() -> None:
    assert set(MEASURES) == set(get_args(MeasureName))
    assert all(name == one.name for name, one in MEASURES.items())
    with pytest.raises(InputError, match="no measure 'leep'"):
        measure("leep")


def test_values_orientation_and_spread(tmp_path: Path) -> None:
    seen = fill(tmp_path)
    found = distances(tmp_path)
    for source in SOURCES:
        for target in TASKS:
            wanted = [ftd(seen[source, target, r], seen[target, target, r]) for r in range(2)]
            assert found.values["ftd"][target][source] == wanted
            assert found.mean("ftd").loc[source, target] == pytest.approx(np.mean(wanted))
            assert found.std("ftd").loc[source, target] == pytest.approx(np.std(wanted, ddof=1))
    matrix = found.mean("ftd")
    assert list(matrix.index) == list(SOURCES)
    assert list(matrix.columns) == list(TASKS)
    assert [matrix.loc[name, name] for name in TASKS] == [0, 0]
    assert matrix.to_numpy()[0, 1] != matrix.to_numpy()[1, 0]
    assert found.fingerprint == "f"
    table = found.table()
    assert len(table) == (len(MEASURES) * 3 - 2) * 2 * 2  # The initial state has no images of its own.
    assert list(table.columns) == ["measure", "source", "target", "repeat", "value"]


def test_file_round_trip_and_same_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "fisher")
    for name in ("one", "two"):
        found = distances(tmp_path / "fisher")
        write_json(tmp_path / name, found.model_dump(mode="json"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    raw = json.loads((tmp_path / "one").read_text())
    assert Distances.model_validate(raw) == found
    assert raw["facts"]["logdet"]["range"] == [0.0, None]
    assert raw["facts"]["ridge_loo"]["lower_is_closer"] is False


def test_different_probes_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "columns", ("f", "g"))
    with pytest.raises(InputError, match="2 different probes"):
        distances(tmp_path / "columns", ["ftd"])
    fill(tmp_path / "cells")
    odd = observation({"w": np.ones((3, 4)), "v": np.ones(5)}, source="a", target="b", fingerprint="g")
    save_observation(observation_path(tmp_path / "cells", "a", "b", 0), odd, "key")
    with pytest.raises(InputError, match="differ in fingerprint"):
        distances(tmp_path / "cells", ["ftd"])


def test_a_missing_observation_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    path = observation_path(tmp_path, "a", "b", 1)
    path.unlink()
    with pytest.raises(InputError, match=r"b/a/1\.safetensors is not a readable"):
        distances(tmp_path, ["ftd"])


def test_yardsticks_are_the_target_trained_anew_and_its_labels_permuted(tmp_path: Path) -> None:
    seen = fill(tmp_path)
    found = distances(tmp_path)
    own = [seen["b", "b", repeat] for repeat in range(2)]
    assert found.references["ftd"]["b"].itself == [ftd(own[1], own[0]), ftd(own[0], own[1])]
    assert found.references["ftd"]["b"].chance == [ftd(seen[PERMUTED, "b", r], own[r]) for r in range(2)]
    assert found.references["ridge_loo"]["b"].itself == [ridge_loo(own[1], own[0]), ridge_loo(own[0], own[1])]
    assert found.references["unlikeness"]["b"].chance == []
    assert found.column("b").references["ftd"] == found.references["ftd"]["b"]


def test_images_are_compared_through_the_initial_state(tmp_path: Path) -> None:
    seen = fill(tmp_path)
    found = distances(tmp_path, ["ftd", "unlikeness", "pixel_unlikeness"])
    a = appearance([seen[NO_TRANSFER, "a", repeat] for repeat in range(2)])
    b = [appearance([seen[NO_TRANSFER, "b", repeat]]) for repeat in range(2)]
    assert found.values["unlikeness"]["b"]["a"] == [unlikeness(a.features, each.features) for each in b]
    assert found.values["pixel_unlikeness"]["b"]["a"] == [unlikeness(a.pixels, each.pixels) for each in b]
    assert NO_TRANSFER not in found.values["unlikeness"]["b"]
    assert NO_TRANSFER in found.values["ftd"]["b"]
    assert found.classes == {"a": a.classes, "b": b[0].classes}


def test_targets_that_are_numbers_have_distances_too(tmp_path: Path) -> None:
    for (source, target, repeat), seen in fill(tmp_path).items():
        numbers = replace(seen, labels=seen.labels[:, None].float(), classes=0)
        save_observation(observation_path(tmp_path, source, target, repeat), numbers, "key")
    found = distances(tmp_path)
    assert set(found.values) == {name for name, one in MEASURES.items() if one.dense}
    assert found.classes == {"a": 0, "b": 0}


def test_halves_are_balanced_and_the_same_for_every_source(tmp_path: Path) -> None:
    fill(tmp_path)
    same = load_observation(observation_path(tmp_path, "a", "b", 0))
    copied = replace(same, provenance=same.provenance.model_copy(update={"source": NO_TRANSFER}))
    save_observation(observation_path(tmp_path, NO_TRANSFER, "b", 0), copied, "key")
    found = distances(tmp_path, ["ridge_loo", "ftd"])
    assert set(found.halves) == {"ridge_loo"}
    values = found.halves["ridge_loo"]["b"]
    assert values["a"][0] == values[NO_TRANSFER][0] != values["a"][1]
    assert len(values["a"][0]) == HALVES
    own = load_observation(observation_path(tmp_path, "b", "b", 0))
    pair = Pair(own, own, None, appearance([own]))
    for half in _halves(pair):
        assert half.ab.labels.tolist().count(0) == half.ab.labels.tolist().count(1) == 1
        assert len(half.ab.gram) == len(half.ab.features) == len(half.ab.labels) == 3
