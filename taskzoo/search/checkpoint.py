"""A training under way, in one file, so that it can be interrupted: weights, optimiser and schedule."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from taskzoo.files import digest_json, write_bytes
from taskzoo.probe.network import digest_state

EVERY = 60.0  # Seconds between two writes.
NETWORK, OPTIMISER = "network.", "optimiser."


class Record(BaseModel):
    """What a checkpoint's file says of it.

    Attributes:
        key: Of the training.
        step: Steps done.
        groups: The optimiser's settings, as the schedule has left them.
        schedule: Its state.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    step: int
    groups: list[dict[str, Any]]
    schedule: dict[str, Any]


class Checkpoint:
    """A file with the state of one training, told by its key from any other's.

    Args:
        path: The file; None keeps nothing.
        settings: Of the training; with the network's first state they are the key.
        network: Trained; parts may share weights.
        optimiser: Over its weights.
        schedule: Of the optimiser.
    """

    def __init__(
        self,
        path: Path | None,
        settings: Sequence[object],
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        self.path = path
        self.network, self.optimiser, self.schedule = network, optimiser, schedule
        self.written = time.monotonic()
        self.key = "" if path is None else digest_json([digest_state(network.state_dict()), *settings])

    def load(self) -> int:
        """Bring the training where it was; return the number of steps done."""
        if self.path is None or not self.path.exists():
            return 0
        try:
            with safe_open(self.path, framework="pt") as handle:
                record = Record.model_validate_json(handle.metadata()["record"])
            tensors = load_file(self.path)
        except (OSError, SafetensorError, KeyError, TypeError, ValidationError):
            return 0
        if record.key != self.key:
            return 0
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                tensor.copy_(tensors[NETWORK + name])
        self.optimiser.load_state_dict({"state": self._moments(tensors), "param_groups": record.groups})
        self.schedule.load_state_dict(record.schedule)
        return record.step

    def save(self, step: int, at_once: bool) -> None:
        """Write the state after so many steps; unless at once, only if the last write is long ago."""
        if self.path is None or not (at_once or time.monotonic() - self.written >= EVERY):
            return
        tensors = {NETWORK + name: tensor for name, tensor in self._tensors().items()}
        state = self.optimiser.state_dict()
        for index, moments in state["state"].items():
            tensors.update({f"{OPTIMISER}{index}.{name}": tensor for name, tensor in moments.items()})
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        record = Record(
            key=self.key, step=step, groups=state["param_groups"], schedule=dict(self.schedule.state_dict())
        )
        write_bytes(self.path, save(whole, {"record": record.model_dump_json()}))
        self.written = time.monotonic()

    def _tensors(self) -> dict[str, Tensor]:
        """Return weights and buffers; what parts share is named once."""
        return {**dict(self.network.named_parameters()), **dict(self.network.named_buffers())}

    def _moments(self, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        """Return the optimiser's tensors by weight, in the weight's memory format: fused steps rely on that."""
        weights = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        found: dict[int, dict[str, Tensor]] = {}
        for name in (name for name in tensors if name.startswith(OPTIMISER)):
            index, kind = name.removeprefix(OPTIMISER).split(".")
            value, weight = tensors[name], weights[int(index)]
            if value.shape == weight.shape:
                value = torch.empty_like(weight, requires_grad=False).copy_(value)
            found.setdefault(int(index), {})[kind] = value
        return found
