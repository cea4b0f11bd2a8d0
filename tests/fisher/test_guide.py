"""The guide to the Fisher diagonal does what it says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tests.fisher.cases import batch, build

GUIDE = Path(__file__).parents[2] / "docs" / "fisher.md"
NEEDED = {"numpy", "pydantic", "safetensors", "scipy", "torch"}  # As the guide says.
UNNEEDED = {"great_expectations", "matplotlib", "mlflow", "optuna", "pandas", "sklearn", "timm", "torchvision"}


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the guide's blocks one after the other, and return what they define."""
    monkeypatch.chdir(tmp_path)
    images, labels = batch(60)
    model = build("conv")
    loader = DataLoader(TensorDataset(images, labels), 4)
    names = {"torch": torch, "model": model, "other": build("conv"), "loader": loader, "images": images[:4]}
    names["labels"] = labels[:4]
    text = GUIDE.read_text()
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        line = text[: found.start(1)].count("\n")
        exec(compile("\n" * line + found[1], GUIDE, "exec"), names)
    return names


def test_every_example_runs(names: dict[str, Any], tmp_path: Path) -> None:
    model, diagonal = names["model"], names["diagonal"]
    weights = dict(model.named_parameters())
    assert all(torch.equal(names["again"][name], value) for name, value in diagonal.items())
    assert names["penalty"]() == 0
    with torch.no_grad():
        weights["0.weight"].add_(2)
    assert names["penalty"](3.0).item() == pytest.approx(1.5 * 4 * float(diagonal["0.weight"].sum()), rel=1e-4)
    kept = sum(int(mask.sum()) for mask in names["masks"].values()) / sum(value.numel() for value in weights.values())
    assert kept == pytest.approx(0.7, abs=0.01)
    assert all(0 < value.min() <= value.max() <= 1 for value in names["variance"].values())
    assert names["size"] > 60
    assert [path.name for path in tmp_path.iterdir()] == ["fisher.safetensors"]
    assert (names["found"].resolved, names["point"].distance) == (True, 0)


def test_it_needs_what_the_guide_says() -> None:
    code = "import sys, taskzoo.fisher.convergence, taskzoo.fisher.budget, taskzoo.fisher.diagonal; print(*sys.modules)"
    loaded = {
        name.split(".")[0]
        for name in subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    }
    assert loaded >= NEEDED
    assert not loaded & UNNEEDED
