"""How a run measures; sent to the processes that do it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.fisher.cases import Case, find

TOLERANCE = {"float32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}


@dataclass(frozen=True)
class Settings:
    """How a run measures.

    Args:
        threads: Of torch, pinned to cores.
        device: cpu or cuda.
        precision: float32, tf32 (float32 with TF32 products) or bf16 (weights and images).
        repeats: Least number of paired rounds of plain and ours.
        seconds: Least time of these rounds.
        rival_limit: Seconds after which a rival is too slow.
        rival_repeats: Calls of a rival after the first, as far as its limit allows.
        rival_memory: Whether memory of exact rivals is measured too.
    """

    threads: int
    device: str = "cpu"
    precision: str = "float32"
    repeats: int = 15
    seconds: float = 6.0
    rival_limit: float = 60.0
    rival_repeats: int = 2
    rival_memory: bool = True

    @property
    def label(self) -> str:
        """The name of the folder of results."""
        return self.device if self.precision == "float32" else f"{self.device}-{self.precision}"


def encode(case: Case, settings: Settings, **more: Any) -> str:
    """Return one argument for a measuring process."""
    return json.dumps({"case": case.name, "settings": asdict(settings), **more})


def decode(argument: str) -> tuple[Case, Settings, dict[str, Any]]:
    """Return what ``encode`` was given."""
    content = json.loads(argument)
    settings = Settings(**content.pop("settings"))
    return find(settings.device, content.pop("case")), settings, content
