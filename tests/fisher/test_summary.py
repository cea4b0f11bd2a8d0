"""Fisher files say where they come from, and bad ones are named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from taskzoo.errors import InputError
from taskzoo.fisher.summary import SCHEMA_VERSION, FisherProvenance, check_comparable, load_fisher, save_fisher

PROVENANCE = FisherProvenance(
    fingerprint="aa",
    source="a",
    target="b",
    target_digest="d",
    repeat=0,
    labels="data",
    images=8,
    head_images=9,
    dtype="float32",
)


def test_round_trip_and_same_bytes(tmp_path: Path) -> None:
    values = {"w": torch.rand(2, 3, dtype=torch.float64), "b": torch.rand(3)}
    for name in ("one", "two"):
        save_fisher(tmp_path / name, values, PROVENANCE)
    loaded, provenance = load_fisher(tmp_path / "one")
    assert provenance == PROVENANCE
    assert all(torch.equal(loaded[name], value) for name, value in values.items())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("value", "found"), [(float("nan"), "not finite at w"), (-1.0, "negative at w"), (0.0, "zero everywhere")]
)
def test_values_that_are_no_fisher_are_refused(tmp_path: Path, value: float, found: str) -> None:
    save_fisher(tmp_path / "file", {"w": torch.full((2,), value)}, PROVENANCE)
    with pytest.raises(InputError, match=found):
        load_fisher(tmp_path / "file")


def test_bad_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match="not a readable Fisher file"):
        load_fisher(path)
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match="not a readable Fisher file"):
        load_fisher(path)
    save_file({"w": torch.ones(2)}, path)
    with pytest.raises(InputError, match="not a readable Fisher file"):
        load_fisher(path)
    known, other = (f'"schema_version":{number}' for number in (SCHEMA_VERSION, SCHEMA_VERSION + 1))
    newer = PROVENANCE.model_dump_json().replace(known, other)
    save_file({"w": torch.ones(2)}, path, {"provenance": newer})
    with pytest.raises(InputError, match="schema_version"):
        load_fisher(path)


@pytest.mark.parametrize("field", ["fingerprint", "target_digest"])
def test_different_probes_or_targets_are_not_compared(field: str) -> None:
    check_comparable(PROVENANCE, PROVENANCE.model_copy(update={"source": "c"}))
    with pytest.raises(InputError, match=f"differ in {field} \\("):
        check_comparable(PROVENANCE, PROVENANCE.model_copy(update={field: "other"}))
