"""A space of whole networks: one decision over timm names, as FUSE was published."""

from collections.abc import Mapping, Sequence
from typing import Self

from taskzoo.errors import InputError
from taskzoo.probe.network import Probe, State, create_backbone, feature_size
from taskzoo.search.space import Architecture, Choice, ImageSpace, OnImages, decode, narrow

MODEL = "model"


class ModelSpace(ImageSpace):
    """timm networks with a linear head each.

    Args:
        names: timm names, distinct.
        image_size: Pixels a side.
        weights: Backbone states by name; networks without one start from random weights; states of
            networks that are not in the space are left alone.

    Raises:
        InputError: If no name is given, or one twice.
    """

    def __init__(self, names: Sequence[str], image_size: int, weights: Mapping[str, State] | None = None) -> None:
        twice = sorted({name for name in names if list(names).count(name) > 1})
        if twice or not names:
            raise InputError(
                f"search.models names {', '.join(twice) + ' twice' if twice else 'no network'}; "
                "expected distinct timm names; correct the list."
            )
        self.image_size = image_size
        self.weights = {name: state for name, state in (weights or {}).items() if name in names}
        self.choices: tuple[Choice, ...] = (Choice(MODEL, tuple(names)),)

    def build(self, architecture: Architecture, classes: int) -> OnImages:
        """Return the network; what has no given weights is initialised from torch's current seed."""
        name = decode(self, architecture)[MODEL]
        backbone = create_backbone(name, self.image_size)
        if name in self.weights:
            backbone.load_state_dict(self.weights[name])
        return OnImages(Probe(backbone, feature_size(backbone, self.image_size), classes))

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named networks."""
        (choice,) = narrow(self.choices, keep)
        return type(self)(choice.options, self.image_size, self.weights)
