"""The batch for a memory budget, against the memory that a pass then takes."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from taskzoo.errors import InputError
from taskzoo.fisher.budget import batch_size_for
from taskzoo.fisher.products import SCRATCH
from tests.fisher.cases import CASES, build

MEGABYTE = 1 << 20

PASS = """
import gc
import sys
from pathlib import Path

import timm
import torch

from taskzoo.fisher.budget import batch_size_for
from taskzoo.fisher.diagonal import fisher


def high_water_mark():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10


torch.set_num_threads(1)
torch.manual_seed(0)
fisher(timm.create_model("test_resnet", num_classes=3), [(torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))])
model = timm.create_model(sys.argv[1], num_classes=10)
size = batch_size_for(model, torch.randn(1, 3, 64, 64), int(sys.argv[2]))
batches = [(torch.randn(size, 3, 64, 64), torch.randint(10, (size,))) for _ in range(2)]
gc.collect()
Path("/proc/self/clear_refs").write_text("5")
before = high_water_mark()
fisher(model, batches)
print(size, high_water_mark() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' high-water mark")
@pytest.mark.parametrize(("name", "budget"), [("resnet18", 400), ("regnety_002", 200)])
def test_a_pass_takes_about_its_budget(name: str, budget: int) -> None:
    command = [sys.executable, "-c", PASS, name, str(budget * MEGABYTE)]
    size, growth = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert size > 1
    assert 0.3 <= growth / (budget * MEGABYTE) <= 1.25


def linear() -> nn.Module:
    """Return a layer whose memory can be told by hand."""
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


def least(sample_bytes: int, parameters: int, weight: int) -> int:
    """Return what a batch of one takes: a third more of three inputs, scratch, and 4 + 8 + 4 bytes a parameter."""
    return sample_bytes * 3 * 4 // 3 + 4 * (SCRATCH["cpu"] + weight) + 16 * parameters


def test_memory_told_by_hand() -> None:
    sample = torch.ones(1, 2, 2)
    fits = least(16, 15, 12)
    assert batch_size_for(linear(), sample, fits) == 1
    assert batch_size_for(linear(), sample, fits + 64) == 2
    assert batch_size_for(linear(), sample.repeat(5, 1, 1), fits + 64 * 9 + 63) == 10


def test_too_small_a_budget_is_named() -> None:
    fits = least(16, 15, 12)
    with pytest.raises(InputError, match=f"budget_bytes is {fits - 1}; expected at least {fits}"):
        batch_size_for(linear(), torch.ones(1, 2, 2), fits - 1)


def test_fewer_parameters_allow_larger_batches() -> None:
    network = build("test_resnet")
    sample = torch.randn(1, 3, 32, 32)
    whole = batch_size_for(network, sample, 50 * MEGABYTE)
    assert batch_size_for(network, sample, 100 * MEGABYTE) > whole
    assert batch_size_for(network, sample, 50 * MEGABYTE, parameters=["fc.weight", "fc.bias"]) > whole


@pytest.mark.parametrize("name", ["test_vit", "levit", "branching"])
def test_other_networks_are_measured_and_come_back_untouched(name: str) -> None:
    network, size = build(name).train(), CASES[name].size
    parameters = list(network.parameters())
    parameters[0].requires_grad_(False)
    assert batch_size_for(network, torch.randn(2, 3, size, size), 50 * MEGABYTE) > 1
    assert network.training
    assert [value.requires_grad for value in parameters] == [False] + [True] * (len(parameters) - 1)
    assert all(value.grad is None for value in parameters)
