"""Sums between batches, in memory and on disk, so that a long pass can be interrupted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from taskzoo.files import digest_bytes, digest_json, write_bytes

EVERY = 60.0  # Seconds between two writes.
STATE = "generator.state"
PREFIX = "sum."


@dataclass
class Progress:
    """What has been added up so far.

    Attributes:
        batches: Number of batches of the data that are done.
        samples: In them.
        sums: By parameter name, float64 from the second batch on: the first batch's are as it left them.
        one_by_one: Names of the parameters whose gradients were taken with a backward pass a sample.
        state: Of the generator, then; None where it has not moved.
    """

    batches: int = 0
    samples: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)
    one_by_one: tuple[str, ...] = ()
    state: Tensor | None = None

    def add(self, part: dict[str, Tensor], samples: int, batches: int) -> "Progress":
        """Add the sums of a batch, which is the last of ``batches``; return self."""
        if not self.batches:
            self.sums = part
        else:
            for name, value in part.items():
                self.sums[name] = self.sums[name].double().add_(value)
        self.samples, self.batches = self.samples + samples, batches
        return self


class Record(BaseModel):
    """What a checkpoint's file says of it.

    Attributes:
        key: Of the computation.
        batches: Done.
        samples: In them.
        one_by_one: Names of parameters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    batches: int
    samples: int
    one_by_one: tuple[str, ...]


class Checkpoint:
    """A file with the progress of one computation, told by its key from any other's.

    Args:
        path: The file; None keeps nothing.
        model: Its weights and buffers are part of the key.
        settings: The rest of the key.
        generator: Of drawn targets; torch's own where None.
    """

    def __init__(
        self, path: Path | None, model: nn.Module, settings: Sequence[object], generator: torch.Generator | None
    ) -> None:
        self.path = path
        self.device = next(model.parameters()).device
        self.generator = torch.default_generator if generator is None else generator
        self.written = time.monotonic()
        self.key = "" if path is None else digest_json([_digest(model.state_dict()), *settings])

    def load(self) -> Progress:
        """Return the progress kept under this key."""
        if self.path is None or not self.path.exists():
            return Progress()
        try:
            with safe_open(self.path, framework="pt") as handle:
                record = Record.model_validate_json(handle.metadata()["record"])
            tensors = load_file(self.path)
            state = tensors.pop(STATE)
        except (OSError, SafetensorError, KeyError, TypeError, ValidationError):
            return Progress()
        if record.key != self.key:
            return Progress()
        sums = {name.removeprefix(PREFIX): value.to(self.device) for name, value in tensors.items()}
        return Progress(record.batches, record.samples, sums, record.one_by_one, state)

    def go_on(self, progress: Progress) -> None:
        """Bring the generator where it was, once the batches that are done have been passed over."""
        if progress.state is not None:
            self.generator.set_state(progress.state)
            progress.state = None

    def save(self, progress: Progress) -> None:
        """Write the progress, if the last write is long ago."""
        if self.path is None or time.monotonic() - self.written < EVERY:
            return
        tensors = {PREFIX + name: value.cpu().contiguous() for name, value in progress.sums.items()}
        tensors[STATE] = self.generator.get_state()
        record = Record(
            key=self.key, batches=progress.batches, samples=progress.samples, one_by_one=progress.one_by_one
        )
        write_bytes(self.path, save(tensors, {"record": record.model_dump_json()}))
        self.written = time.monotonic()

    def remove(self) -> None:
        """Remove the file: the computation has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _digest(state: Mapping[str, Tensor]) -> str:
    flat = {name: value.cpu().contiguous().flatten().view(torch.uint8) for name, value in state.items()}
    parts = [[name, list(state[name].shape), digest_bytes(value.numpy().tobytes())] for name, value in flat.items()]
    return digest_json(parts)
