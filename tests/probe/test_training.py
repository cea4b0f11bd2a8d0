"""Training learns, is repeatable, and keeps what it was told to keep."""

import pytest
import torch

from taskzoo.params import ProbeParams
from taskzoo.probe.network import build_probe, initial_state
from taskzoo.probe.training import BatchNorm, Recipe, accuracy, batches, fit

PARAMS = ProbeParams(backbone="test_efficientnet", image_size=32)


@pytest.fixture(scope="module")
def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    images = torch.randn(64, 3, 32, 32, generator=generator) * 0.1 + labels.view(-1, 1, 1, 1).float()
    return images, labels


def test_it_learns_and_repeats_to_the_bit(data: tuple[torch.Tensor, torch.Tensor]) -> None:
    runs = []
    for _ in range(2):
        probe = build_probe(PARAMS, 2, initial_state(PARAMS))
        losses: list[float] = []

        def keep(step: int, loss: float, losses: list[float] = losses) -> None:
            losses.append(loss)

        fit(probe, *data, Recipe(steps=25, batch_size=16, learning_rate=3e-3), seed=1, on_step=keep)
        runs.append(losses)
        assert accuracy(probe, *data) == 1.0
        assert not probe.training
    assert runs[0] == runs[1]


def test_frozen_batch_norm_stays_as_it_was(data: tuple[torch.Tensor, torch.Tensor]) -> None:
    probe = build_probe(PARAMS, 2, initial_state(PARAMS))
    before = {k: v.clone() for k, v in probe.state_dict().items()}
    fit(probe, *data, Recipe(steps=2, batch_size=16, learning_rate=3e-3, frozen_batch_norm=True), seed=0)
    norms = [name for name, module in probe.named_modules() if isinstance(module, BatchNorm)]
    after = probe.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert norms
    assert changed
    assert not [name for name in changed if any(name.startswith(norm + ".") for norm in norms)]


def test_batches_cover_an_epoch_once() -> None:
    drawn = batches(10, 3, 6, seed=0)
    assert [len(index) for index in drawn] == [3] * 6
    assert len(set(torch.cat(drawn[:3]).tolist())) == 9
    assert torch.cat(drawn).tolist() == torch.cat(batches(10, 3, 6, seed=0)).tolist()
    assert [len(index) for index in batches(2, 8, 3, seed=0)] == [2, 2, 2]
