"""What a search chooses from: decisions with named options, and the networks behind them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Protocol, Self

import numpy as np
from torch import Tensor, nn

from taskzoo.errors import InputError

Architecture = tuple[int, ...]
"""One option index per decision, in the space's order."""


@dataclass(frozen=True)
class Choice:
    """One decision.

    Args:
        name: Of the decision, unique in its space.
        options: Names of what can be chosen, distinct; an architecture holds an index into them.
    """

    name: str
    options: tuple[str, ...]


class SearchSpace(Protocol):
    """Networks for one task that differ in a fixed list of decisions."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The decisions, in the order of an architecture's indices."""

    @property
    def equal_sizes(self) -> bool:
        """Whether all networks have maps of one size and width at equal depth, so that counts of units compare."""

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return what built networks eat, computed once: tensors whose first axis runs over the images."""

    def build(self, architecture: Architecture, classes: int) -> nn.Module:
        """Return a network from a batch of inputs to logits, initialised from torch's current seed."""

    def assemble(self, architecture: Architecture, module: nn.Module) -> nn.Module:
        """Return a copy of a built network that maps images to logits, all weights trainable."""

    def restrict(self, keep: Mapping[str, Sequence[str]]) -> Self:
        """Return the part of the space that has only the named options; decisions not named stay whole."""


class OnImages(nn.Module):
    """A network over images that eats the one-element list of a space whose inputs are the images.

    Args:
        network: Maps images to logits.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Return logits [N, K] of [images]."""
        logits: Tensor = self.network(inputs[0])
        return logits


class ImageSpace:
    """What spaces share whose networks eat the images themselves: their ``build`` returns an ``OnImages``."""

    equal_sizes = False

    def inputs(self, images: Tensor) -> list[Tensor]:
        """Return the images themselves."""
        return [images]

    def assemble(self, architecture: Architecture, module: nn.Module) -> nn.Module:
        """Copy a built network into one that eats images.

        Args:
            architecture: Option indices.
            module: What ``build`` made of them.

        Returns:
            The copy, on the CPU, in evaluation mode, all weights trainable.

        Raises:
            TypeError: If ``build`` did not make the module.
        """
        if not isinstance(module, OnImages):
            raise TypeError(f"expected a network that build() made, got {type(module).__name__}")
        return deepcopy(module.network).cpu().requires_grad_(True).eval()


def size(space: SearchSpace) -> int:
    """Return the number of architectures."""
    return prod(len(choice.options) for choice in space.choices)


def sample(space: SearchSpace, rng: np.random.Generator) -> Architecture:
    """Return a random architecture, every option of a decision equally likely."""
    return tuple(int(rng.integers(len(choice.options))) for choice in space.choices)


def mutate(space: SearchSpace, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Return an architecture that differs in one decision, drawn among those that leave a choice.

    Args:
        space: The space.
        architecture: The parent.
        rng: Draws the decision and its new option, all others of it equally likely.

    Returns:
        The child; the parent itself where the space has no other.
    """
    open_ones = [place for place, choice in enumerate(space.choices) if len(choice.options) > 1]
    if not open_ones:
        return architecture
    place = int(rng.choice(open_ones))
    step = int(rng.integers(1, len(space.choices[place].options)))
    changed = (architecture[place] + step) % len(space.choices[place].options)
    return (*architecture[:place], changed, *architecture[place + 1 :])


def decode(space: SearchSpace, architecture: Architecture) -> dict[str, str]:
    """Return an architecture's options by decision; the names mean the same in every restricted space."""
    return {choice.name: choice.options[index] for choice, index in zip(space.choices, architecture, strict=True)}


def encode(space: SearchSpace, named: Mapping[str, str]) -> Architecture:
    """Turn option names back into an architecture of this space.

    Args:
        space: The space.
        named: Option by decision, all decisions.

    Returns:
        The option indices.

    Raises:
        InputError: If a decision is unknown or missing, or an option is not in the space.
    """
    decisions = [choice.name for choice in space.choices]
    if set(named) != set(decisions):
        raise InputError(
            f"the architecture decides {', '.join(sorted(named)) or 'nothing'}; expected exactly "
            f"{', '.join(decisions)}; give an architecture of this space."
        )
    return tuple(_index(choice, named[choice.name]) for choice in space.choices)


def narrow(choices: tuple[Choice, ...], keep: Mapping[str, Sequence[str]]) -> tuple[Choice, ...]:
    """Cut decisions down to the named options, in the order they had.

    Args:
        choices: All decisions.
        keep: Options to keep, by decision; decisions not named stay whole.

    Returns:
        The decisions with the options left.

    Raises:
        InputError: If a decision or option is unknown, or no option is left.
    """
    known = {choice.name for choice in choices}
    for name in keep:
        if name not in known:
            raise InputError(
                f"the space has no decision {name!r}; expected one of {', '.join(sorted(known))}; correct the name."
            )
    return tuple(_narrow_one(choice, keep[choice.name]) if choice.name in keep else choice for choice in choices)


def _narrow_one(choice: Choice, options: Sequence[str]) -> Choice:
    if not options:
        raise InputError(
            f"no option of the decision {choice.name!r} would be left; expected at least one of "
            f"{', '.join(choice.options)}; keep one."
        )
    kept = {_index(choice, option) for option in options}
    return Choice(choice.name, tuple(choice.options[index] for index in sorted(kept)))


def _index(choice: Choice, option: str) -> int:
    if option not in choice.options:
        raise InputError(
            f"the decision {choice.name!r} has no option {option!r}; expected one of "
            f"{', '.join(choice.options)}; correct it."
        )
    return choice.options.index(option)
