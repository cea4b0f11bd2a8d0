"""Probe files come back as they went, and damage is told."""

from pathlib import Path

import pytest
import torch

from taskzoo.errors import InputError
from taskzoo.params import ProbeParams
from taskzoo.probe.network import build_probe, initial_state
from taskzoo.probe.storage import ProbeRecord, load_backbone, load_record, load_state, save_probe

PARAMS = ProbeParams(backbone="test_efficientnet", image_size=32)
RECORD = ProbeRecord(
    task="t", task_digest="d", fingerprint="f", repeat=0, classes=("a", "b"), score=0.5, curve=(1.0, 0.5), key="k"
)


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    state = initial_state(PARAMS)
    for name in ("one", "two"):
        save_probe(tmp_path / name, build_probe(PARAMS, 2, state), RECORD)
    assert load_record(tmp_path / "one") == RECORD
    loaded = load_backbone(tmp_path / "one")
    assert set(loaded) == set(state)
    assert all(torch.equal(loaded[name], state[name]) for name in state)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("damage", ["missing", "truncated", "text"])
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "p.safetensors"
    save_probe(path, build_probe(PARAMS, 2, initial_state(PARAMS)), RECORD)
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:2000])
    else:
        path.write_text("no probe")
    for read in (load_record, load_state):
        with pytest.raises(InputError, match=r"p\.safetensors is not a readable probe .*run the train stage again"):
            read(path)


def test_a_record_of_an_earlier_version_is_read() -> None:
    content = RECORD.model_dump(mode="json")
    content["accuracy"] = content.pop("score")
    assert ProbeRecord.model_validate(content) == RECORD
