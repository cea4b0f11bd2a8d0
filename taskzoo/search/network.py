"""The final network of a task: saved, and rebuilt from its own folder alone."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from taskzoo.errors import InputError
from taskzoo.files import write_bytes, write_json
from taskzoo.params import ProbeParams
from taskzoo.probe.network import create_backbone
from taskzoo.records import read_json
from taskzoo.search.cells import CellSpace
from taskzoo.search.finalists import FinalistName
from taskzoo.search.models import MODEL, ModelSpace
from taskzoo.search.space import Architecture, decode, encode

SPEC_FILE = "architecture.json"
WEIGHTS_FILE = "tuned.safetensors"


class CellShape(BaseModel):
    """Dimensions of a cell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: int = Field(ge=2, le=6)
    width: int = Field(ge=4, le=4096)


class NetworkSpec(BaseModel):
    """All that is needed to rebuild a final network but its weights.

    Attributes:
        schema_version: Of this format.
        backbone: timm name of the trunk, or of the whole network.
        cell: The cell's dimensions; None for a whole network, which has no cell.
        architecture: Option by decision.
        image_size: Pixels a side.
        mean: Subtracted from pixels in [0, 1].
        std: Divides what is left.
        classes: The outputs, in order.
        finalist: Which of the networks that were compared on validation images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    backbone: str
    cell: CellShape | None
    architecture: dict[str, str]
    image_size: int = Field(ge=8, le=1024)
    mean: float
    std: float = Field(gt=0)
    classes: tuple[str, ...] = Field(min_length=2)
    finalist: FinalistName


def describe_network(
    space: CellSpace | ModelSpace,
    architecture: Architecture,
    probe: ProbeParams,
    classes: tuple[str, ...],
    finalist: FinalistName = "searched",
) -> NetworkSpec:
    """Describe an assembled network.

    Args:
        space: It comes from.
        architecture: Option indices.
        probe: How its images are normalised.
        classes: The outputs, in order.
        finalist: Which of the networks that were compared.

    Returns:
        The description.
    """
    named = decode(space, architecture)
    if isinstance(space, CellSpace):
        backbone, cell = space.backbone, CellShape(nodes=space.nodes, width=space.width)
    else:
        backbone, cell = named[MODEL], None
    return NetworkSpec(
        backbone=backbone,
        cell=cell,
        architecture=named,
        image_size=space.image_size,
        mean=probe.mean,
        std=probe.std,
        classes=classes,
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
    space: CellSpace | ModelSpace
    if spec.cell is None:
        space = ModelSpace([spec.backbone], spec.image_size)
    else:
        state = create_backbone(spec.backbone, spec.image_size).state_dict()
        space = CellSpace(spec.backbone, state, spec.image_size, spec.cell.nodes, spec.cell.width)
    architecture = encode(space, spec.architecture)
    return space.assemble(architecture, space.build(architecture, len(spec.classes)))
