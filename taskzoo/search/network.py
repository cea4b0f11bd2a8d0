"""The final network of a task: saved, and rebuilt from its own folder alone."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from taskzoo.errors import InputError
from taskzoo.files import write_bytes, write_json
from taskzoo.params import ProbeParams
from taskzoo.probe.dense_forms import DenseRecord
from taskzoo.records import read_json
from taskzoo.search.finalists import FinalistName
from taskzoo.search.space import Architecture, SearchSpace, decode, encode
from taskzoo.search.spaces import SpaceSpec, describe_space

SPEC_FILE = "architecture.json"
WEIGHTS_FILE = "tuned.safetensors"


class NetworkSpec(BaseModel):
    """All that is needed to rebuild a final network but its weights.

    Attributes:
        schema_version: Of this format.
        space: That it was found in.
        architecture: Option by decision.
        image_size: Pixels a side.
        mean: Subtracted from pixels in [0, 1].
        std: Divides what is left.
        classes: The outputs, in order; none where there is a target for every pixel.
        pixels: Of a dense target: what outputs mean, a pixel or of the whole image.
        finalist: Which of the networks that were compared on validation images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    space: SpaceSpec
    architecture: dict[str, str]
    image_size: int = Field(ge=8, le=1024)
    mean: float
    std: float = Field(gt=0)
    classes: tuple[str, ...]
    pixels: DenseRecord | None = None
    finalist: FinalistName

    @property
    def outputs(self) -> int:
        """Number of outputs, a pixel where there is one a pixel."""
        return len(self.classes) if self.pixels is None else len(self.pixels.constant)

    @model_validator(mode="after")
    def _has_outputs(self) -> "NetworkSpec":
        """Refuse fewer than two classes, or classes beside pixels.

        Returns:
            The description itself.

        Raises:
            ValueError: If so.
        """
        if (self.pixels is None and len(self.classes) < 2) or (self.pixels is not None and self.classes):
            raise ValueError("there must be two classes at least, or pixels and no classes")
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, content: Any) -> Any:
        """Take a file of version 1, which knew two spaces: one with a cell, one without, and at first one finalist."""
        if not isinstance(content, dict) or content.get("schema_version") != 1:
            return content
        backbone, cell = content.get("backbone"), content.get("cell")
        space: dict[str, Any] = {"kind": "models", "names": [backbone]}
        if isinstance(cell, dict):
            space = {"kind": "cells", "backbone": backbone, **cell}
        rest = {key: value for key, value in content.items() if key not in {"backbone", "cell"}}
        return {"finalist": "searched_plain", **rest, "schema_version": 2, "space": space}


def describe_network(
    space: SearchSpace,
    architecture: Architecture,
    probe: ProbeParams,
    classes: tuple[str, ...],
    finalist: FinalistName = "searched",
    pixels: DenseRecord | None = None,
) -> NetworkSpec:
    """Describe an assembled network.

    Args:
        space: It comes from.
        architecture: Option indices.
        probe: How its images are made and normalised.
        classes: The outputs, in order.
        finalist: Which of the networks that were compared.
        pixels: What outputs mean where the target is dense.

    Returns:
        The description.
    """
    return NetworkSpec(
        space=describe_space(space),
        architecture=decode(space, architecture),
        image_size=probe.image_size,
        mean=probe.mean,
        std=probe.std,
        classes=classes,
        pixels=pixels,
        finalist=finalist,
    )


def save_network(folder: Path, spec: NetworkSpec, network: nn.Module) -> None:
    """Write ``architecture.json`` and ``tuned.safetensors``, each atomically."""
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(folder / WEIGHTS_FILE, save(tensors))
    write_json(folder / SPEC_FILE, spec.model_dump(mode="json"))


def load_network(folder: Path) -> tuple[NetworkSpec, nn.Module]:
    """Rebuild a saved network; nothing is downloaded.

    Args:
        folder: That ``save_network`` wrote to.

    Returns:
        Its description, and the network over normalised images, on the CPU, in evaluation mode.

    Raises:
        InputError: If a file is missing or damaged, or the weights do not fit the description.
    """
    spec = load_spec(folder / SPEC_FILE)
    network = _empty(spec)
    path = folder / WEIGHTS_FILE
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{path} does not hold the weights that {SPEC_FILE} describes ({reason}); expected both files "
            "of one search; run the search stage again."
        ) from error
    return spec, network.eval()


def load_spec(path: Path) -> NetworkSpec:
    """Read a network's description."""
    return read_json(path, NetworkSpec, "search")


def _empty(spec: NetworkSpec) -> nn.Module:
    """Return the described network with random weights."""
    space = spec.space.make(spec.image_size)
    architecture = encode(space, spec.architecture)
    return space.assemble(architecture, space.build(architecture, spec.outputs))
