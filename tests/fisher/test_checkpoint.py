"""Interrupted computations go on where they were, to the bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from taskzoo.fisher import checkpoint
from taskzoo.fisher.diagonal import FisherDiagonal, fisher
from tests.fisher.cases import batch, batches, build

Data = list[tuple[Tensor, Tensor]]


class Killed(BaseException):
    """What ends a computation from outside."""


@pytest.fixture(autouse=True)
def _after_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)


@pytest.fixture
def data() -> Data:
    return batches(*batch(9), 2)


def until(data: Data | DataLoader[Any], batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield so many batches, then end the computation."""
    for number, each in enumerate(data):
        if number == batch:
            raise Killed
        yield each


def spoiled(data: Data, count: int) -> Data:
    """Return data whose first batches would be noticed if anybody looked at them."""
    return [(x * float("nan"), y) if number < count else (x, y) for number, (x, y) in enumerate(data)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(one: FisherDiagonal, other: FisherDiagonal) -> bool:
    """Tell whether two diagonals are the same to the bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def interrupted(network: nn.Module, data: Data, path: Path, after: int, **options: Any) -> None:
    """Compute so many batches."""
    with pytest.raises(Killed):
        fisher(network, until(data, after), checkpoint=path, **options)
    assert path.exists() == (after > 0)


@pytest.mark.parametrize("name", ["test_resnet", "branching"])
@pytest.mark.parametrize("labels", ["data", "model", "expected"])
def test_an_interrupted_call_goes_on_to_the_bit(tmp_path: Path, name: str, labels: Any) -> None:
    network = build(name)
    data = batches(*batch(9, 32 if name == "test_resnet" else 8), 2)
    generator = seeded()
    wanted = fisher(network, data, labels=labels, generator=generator)
    path = tmp_path / "state"
    interrupted(network, data, path, 2, labels=labels, generator=seeded())
    other = seeded(5)
    interrupted(network, spoiled(data, 2), path, 4, labels=labels, generator=other)
    other = seeded(6)
    found = fisher(network, spoiled(data, 4), labels=labels, generator=other, checkpoint=path)
    assert same(found, wanted)
    assert found.provenance == wanted.provenance
    assert torch.equal(other.get_state(), generator.get_state()) or labels != "model"
    assert not path.exists()


@pytest.mark.parametrize("after", [0, 1, 5])
def test_interrupted_anywhere(tmp_path: Path, data: Data, after: int) -> None:
    network, path = build("lstm"), tmp_path / "state"
    wanted = fisher(network, data)
    interrupted(network, [*data, *data], path, after)
    found = fisher(network, data, checkpoint=path)
    assert same(found, wanted)
    assert found.provenance == wanted.provenance


def test_drawn_by_the_global_generator_which_a_data_loader_uses_too(tmp_path: Path, data: Data) -> None:
    network, path = build("conv"), tmp_path / "state"
    loader = DataLoader(TensorDataset(*batch(9)), 2)
    torch.manual_seed(1)
    wanted = fisher(network, loader, labels="model")
    torch.manual_seed(1)
    with pytest.raises(Killed):
        fisher(network, until(loader, 3), labels="model", checkpoint=path)
    torch.manual_seed(2)
    assert same(fisher(network, loader, labels="model", checkpoint=path), wanted)


class Sharper:
    """A likelihood of classes whose gradients are twice as large."""

    def negative_log(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 2 * nn.functional.cross_entropy(outputs, targets, reduction="none")

    def draw(self, outputs: Tensor, count: int, generator: torch.Generator | None) -> list[Tensor]:
        return [outputs.argmax(1)] * count

    def outcomes(self, outputs: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [(outputs.argmax(1), torch.ones_like(outputs[:, 0]))]


@pytest.mark.parametrize(
    "other",
    [
        {"labels": "expected"},
        {"labels": "model"},
        {"parameters": ["0.weight"]},
        {"likelihood": Sharper()},
        {"network": "weight"},
        {"network": "buffer"},
    ],
    ids="-".join,
)
def test_another_computation_does_not_take_the_file(tmp_path: Path, data: Data, other: dict[str, Any]) -> None:
    network, path = build("batch_norm"), tmp_path / "state"
    interrupted(network, data, path, 3)
    changed = other.pop("network", None)
    with torch.no_grad():
        if changed == "weight":
            network.get_parameter("0.weight").mul_(1.5)
        if changed == "buffer":
            network.get_buffer("0.running_var").mul_(1.5)
    wanted = fisher(network, data, **other, generator=seeded())
    assert same(fisher(network, data, **other, generator=seeded(), checkpoint=path), wanted)


@pytest.mark.parametrize(
    "content", [b"", b"no such thing", b"\x08\0\0\0\0\0\0\0{}      "], ids=["empty", "text", "bare"]
)
def test_a_damaged_file_is_not_taken(tmp_path: Path, data: Data, content: bytes) -> None:
    network, path = build("conv"), tmp_path / "state"
    path.write_bytes(content)
    assert same(fisher(network, data, checkpoint=path), fisher(network, data))
    assert not path.exists()


def test_a_truncated_file_is_not_taken(tmp_path: Path, data: Data) -> None:
    network, path = build("conv"), tmp_path / "state"
    interrupted(network, data, path, 3)
    path.write_bytes(path.read_bytes()[:-10])
    assert same(fisher(network, data, checkpoint=path), fisher(network, data))


def test_nothing_is_written_within_the_first_minute(
    tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 60.0)
    with pytest.raises(Killed):
        fisher(build("conv"), until(data, 3), checkpoint=tmp_path / "state")
    assert not list(tmp_path.iterdir())


def test_a_model_of_half_precision(tmp_path: Path, data: Data) -> None:
    network = build("conv").bfloat16()
    data = [(x.bfloat16(), y) for x, y in data]
    interrupted(network, data, tmp_path / "state", 2)
    assert same(fisher(network, data, checkpoint=tmp_path / "state"), fisher(network, data))
