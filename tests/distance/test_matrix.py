"""Rows sources, columns targets."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from taskzoo.distance.catalogue import MEASURES, measure
from taskzoo.distance.ftd import ftd
from taskzoo.distance.matrix import Distances, compute_distances
from taskzoo.errors import InputError
from taskzoo.files import write_json
from taskzoo.fisher.observation import Observation, load_observation, save_observation
from taskzoo.fisher.pairs import NO_TRANSFER, observation_path
from taskzoo.params import MeasureName
from tests.distance.examples import observation

TASKS = ("a", "b")
SOURCES = (*TASKS, NO_TRANSFER)


def fill(folder: Path, fingerprints: Sequence[str] = ("f", "f")) -> dict[tuple[str, str, int], Observation]:
    """Save random observations of all pairs in two repeats; one fingerprint a target."""
    rng = np.random.default_rng(0)
    for target, fingerprint in zip(TASKS, fingerprints, strict=True):
        for source in SOURCES:
            for repeat in range(2):
                seen = observation(
                    {"w": rng.random((3, 4)), "v": rng.random(5)},
                    features=rng.random((6, 2)),
                    labels=[0, 1, 2] * 2,
                    source=source,
                    target=target,
                    repeat=repeat,
                    fingerprint=fingerprint,
                )
                save_observation(observation_path(folder, source, target, repeat), seen, "key")
    return {
        (source, target, repeat): load_observation(observation_path(folder, source, target, repeat))
        for source in SOURCES
        for target in TASKS
        for repeat in range(2)
    }


def test_every_measure_of_the_parameters_exists_and_no_other() -> None:
    assert set(MEASURES) == set(get_args(MeasureName))
    assert all(name == one.name for name, one in MEASURES.items())
    with pytest.raises(InputError, match="no measure 'leep'"):
        measure("leep")


def test_values_orientation_and_spread(tmp_path: Path) -> None:
    seen = fill(tmp_path)
    found = compute_distances(tmp_path, SOURCES, TASKS, 2, list(MEASURES))
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
    assert len(table) == len(MEASURES) * 3 * 2 * 2
    assert list(table.columns) == ["measure", "source", "target", "repeat", "value"]


def test_file_round_trip_and_same_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "fisher")
    for name in ("one", "two"):
        found = compute_distances(tmp_path / "fisher", SOURCES, TASKS, 2, list(MEASURES))
        write_json(tmp_path / name, found.model_dump(mode="json"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    raw = json.loads((tmp_path / "one").read_text())
    assert Distances.model_validate(raw) == found
    assert raw["facts"]["logdet"]["range"] == [0.0, None]
    assert raw["facts"]["ridge_loo"]["lower_is_closer"] is False


def test_different_probes_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "columns", ("f", "g"))
    with pytest.raises(InputError, match="2 different probes"):
        compute_distances(tmp_path / "columns", SOURCES, TASKS, 2, ["ftd"])
    fill(tmp_path / "cells")
    odd = observation({"w": np.ones((3, 4)), "v": np.ones(5)}, source="a", target="b", fingerprint="g")
    save_observation(observation_path(tmp_path / "cells", "a", "b", 0), odd, "key")
    with pytest.raises(InputError, match="differ in fingerprint"):
        compute_distances(tmp_path / "cells", SOURCES, TASKS, 2, ["ftd"])


def test_a_missing_observation_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    path = observation_path(tmp_path, "a", "b", 1)
    path.unlink()
    with pytest.raises(InputError, match=r"b/a/1\.safetensors is not a readable"):
        compute_distances(tmp_path, SOURCES, TASKS, 2, ["ftd"])
