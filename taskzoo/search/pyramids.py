"""The space of one network: the probe's backbone with a linear head on all its maps, as dense targets begin."""

from collections.abc import Mapping, Sequence
from typing import Self

from taskzoo.probe.network import State, create_backbone
from taskzoo.probe.pyramid import DenseProbe, map_sizes
from taskzoo.search.models import MODEL
from taskzoo.search.space import Architecture, Choice, ImageSpace, OnImages, narrow


class PyramidSpace(ImageSpace):
    """One timm network under a linear head for every pixel.

    Args:
        backbone: Its timm name.
        image_size: Pixels a side.
        state: Of the backbone; random weights where left out.
    """

    def __init__(self, backbone: str, image_size: int, state: State | None = None) -> None:
        self.backbone, self.image_size, self.state = backbone, image_size, state
        self.choices: tuple[Choice, ...] = (Choice(MODEL, (backbone,)),)

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        """Return the network with so many outputs a pixel."""
        backbone = create_backbone(self.backbone, self.image_size)
        if self.state is not None:
            backbone.load_state_dict(self.state)
        return OnImages(DenseProbe(backbone, map_sizes(backbone, self.image_size), classes))

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the same space: there is nothing to leave out."""
        narrow(self.choices, keep)
        return type(self)(self.backbone, self.image_size, self.state)
