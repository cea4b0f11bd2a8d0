"""Every kind of search space by its description: made of parameters, stored with a network, made a space again."""

from typing import Annotated, Literal

from pydantic import Field

from taskzoo.params import (
    CellsParams,
    DecodersParams,
    NASBench201Params,
    ProbeParams,
    SearchParams,
    Section,
    StagesParams,
)
from taskzoo.probe.dense_forms import PixelForm
from taskzoo.probe.forms import Form
from taskzoo.probe.network import State, create_backbone
from taskzoo.search.cells import CellSpace
from taskzoo.search.decoders import DecoderSpace
from taskzoo.search.models import ModelSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.pyramids import PyramidSpace
from taskzoo.search.space import SearchSpace
from taskzoo.search.stages import StageSpace


class CellsSpec(CellsParams):
    """Cells on a trunk.

    Attributes:
        kind: Of space.
        backbone: The trunk's timm name.
    """

    kind: Literal["cells"] = "cells"
    backbone: str

    def make(self, image_size: int) -> CellSpace:
        """Return the space, its trunk with random weights."""
        state = create_backbone(self.backbone, image_size).state_dict()
        return CellSpace(self.backbone, state, image_size, self.nodes, self.width)


class StagesSpec(StagesParams):
    """Networks of stages."""

    kind: Literal["stages"] = "stages"

    def make(self, image_size: int) -> StageSpace:
        """Return the space."""
        return StageSpace(image_size, self.count, self.width)


class ModelsSpec(Section):
    """Whole networks.

    Attributes:
        kind: Of space.
        names: timm names.
    """

    kind: Literal["models"] = "models"
    names: tuple[str, ...]

    def make(self, image_size: int) -> ModelSpace:
        """Return the space, all networks with random weights."""
        return ModelSpace(self.names, image_size)


class DecodersSpec(DecodersParams):
    """Decoders on a trunk.

    Attributes:
        kind: Of space.
        backbone: The trunk's timm name.
    """

    kind: Literal["decoders"] = "decoders"
    backbone: str

    def make(self, image_size: int) -> DecoderSpace:
        """Return the space, its trunk with random weights."""
        state = create_backbone(self.backbone, image_size).state_dict()
        return DecoderSpace(self.backbone, state, image_size, self.width)


class PyramidSpec(Section):
    """One network under a linear head for every pixel.

    Attributes:
        kind: Of space.
        backbone: Its timm name.
    """

    kind: Literal["pyramid"] = "pyramid"
    backbone: str

    def make(self, image_size: int) -> PyramidSpace:
        """Return the space, its network with random weights."""
        return PyramidSpace(self.backbone, image_size)


class NASBench201Spec(NASBench201Params):
    """The networks of NAS-Bench-201."""

    kind: Literal["nasbench201"] = "nasbench201"

    def make(self, image_size: int) -> NASBench201Space:
        """Return the space, whose networks take images of any size."""
        return NASBench201Space(self.width, self.cells)


SpaceSpec = Annotated[
    CellsSpec | StagesSpec | ModelsSpec | NASBench201Spec | DecodersSpec | PyramidSpec, Field(discriminator="kind")
]


def make_space_for(form: Form, search: SearchParams, probe: ProbeParams, state: State) -> SearchSpace:
    """Return the whole space that is searched for a task: decoders for targets of pixels, else what the parameters say.

    Args:
        form: What the task asks of a network.
        search: Kind of space and its dimensions.
        probe: Backbone and image size.
        state: Of the task's own probe's backbone.

    Returns:
        The space.
    """
    if isinstance(form, PixelForm):
        return DecoderSpace(probe.backbone, state, probe.image_size, search.decoders.width)
    return make_space(search, probe, state)


def make_space(search: SearchParams, probe: ProbeParams, state: State) -> SearchSpace:
    """Return the whole space that the parameters ask for.

    Args:
        search: Kind of space and its dimensions.
        probe: Backbone and image size.
        state: Of the task's own probe's backbone: the trunk of all cells, the start of that one model, and nothing to
            the other spaces.

    Returns:
        The space.
    """
    size = probe.image_size
    match search.space:
        case "cells":
            return CellSpace(probe.backbone, state, size, search.cells.nodes, search.cells.width)
        case "stages":
            return StageSpace(size, search.stages.count, search.stages.width)
        case "models":
            return ModelSpace(search.models, size, {probe.backbone: state})
        case "nasbench201":
            return NASBench201Space(search.nasbench201.width, search.nasbench201.cells)


def describe_space(space: SearchSpace) -> SpaceSpec:
    """Describe a whole space.

    Args:
        space: Of any kind here.

    Returns:
        The description, from which ``make`` makes it again.

    Raises:
        TypeError: If the space is of another kind.
    """
    match space:
        case CellSpace():
            return CellsSpec(backbone=space.backbone, nodes=space.nodes, width=space.width)
        case DecoderSpace():
            return DecodersSpec(backbone=space.backbone, width=space.width)
        case PyramidSpace():
            return PyramidSpec(backbone=space.backbone)
        case StageSpace():
            return StagesSpec(count=space.count, width=space.width)
        case ModelSpace():
            return ModelsSpec(names=space.choices[0].options)
        case NASBench201Space():
            return NASBench201Spec(width=space.width, cells=space.cells)
    raise TypeError(f"expected a space that can be described, got {type(space).__name__}")
