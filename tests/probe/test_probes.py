"""Probes are trained once: what is done is kept, what changed or was lost is trained again, to the bit."""

from pathlib import Path

from taskzoo.params import ProbeParams, TrainParams
from taskzoo.probe.network import fingerprint, initial_state
from taskzoo.probe.probes import train_probes
from tests.fisher.tasks import task

PROBE = ProbeParams(backbone="test_efficientnet", image_size=32)
TRAIN = TrainParams(repeats=2, steps=3, batch_size=8)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of all files."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_only_what_is_missing_or_changed_is_trained(tmp_path: Path) -> None:
    initial, folder = initial_state(PROBE), tmp_path / "a"
    (records,) = train_probes({folder: task("a")}, PROBE, TRAIN, initial).values()
    assert [(record.task, record.repeat) for record in records] == [("a", 0), ("a", 1)]
    assert {record.fingerprint for record in records} == {fingerprint(PROBE, initial)}
    whole = snapshot(folder)
    assert set(whole) == {"0.safetensors", "1.safetensors"}
    assert whole["0.safetensors"][0] != whole["1.safetensors"][0]

    # What a killed run leaves: one file cut, one half-written. A sharper goal alone changes no probe.
    (folder / "1.safetensors").write_bytes(whole["1.safetensors"][0][:100])
    (folder / ".1.safetensors.12.tmp").write_bytes(b"half")
    train_probes({folder: task("a")}, PROBE, TRAIN.model_copy(update={"eps": 0.01}), initial)
    again = snapshot(folder)
    assert again["0.safetensors"] == whole["0.safetensors"]
    assert {name: content for name, (content, _) in again.items()} == {
        name: content for name, (content, _) in whole.items()
    }

    fewer = TRAIN.model_copy(update={"repeats": 1})
    train_probes({folder: task("a")}, PROBE, fewer, initial)
    assert snapshot(folder) == {"0.safetensors": whole["0.safetensors"]}
    train_probes({folder: task("a")}, PROBE, fewer.model_copy(update={"steps": 4}), initial)
    assert snapshot(folder)["0.safetensors"][0] != whole["0.safetensors"][0]
