"""Supernets: networks that hold every option of every decision, of which gates open some."""

from collections.abc import Sequence
from copy import copy, deepcopy
from functools import reduce
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.errors import InputError
from taskzoo.search.space import Architecture, Choice, SearchSpace


class Gated(nn.Module):
    """All options of a decision, summed with weights; what has a gate of exactly 0 is not computed.

    Args:
        decision: Its name.
        options: Networks of the same inputs, in the decision's order.
    """

    def __init__(self, decision: str, options: Sequence[nn.Module]) -> None:
        super().__init__()
        self.decision = decision
        self.options = nn.ModuleList(options)
        self.gates: Tensor | None = None

    def forward(self, *inputs: Any) -> Tensor:
        """Return the weighted sum, by the gates [K] that the supernet has set."""
        assert self.gates is not None
        used = zip(self.gates, self.gates.tolist(), self.options, strict=True)
        mixed: Tensor = reduce(torch.add, [gate * option(*inputs) for gate, value, option in used if value != 0])
        return mixed


class Supernet(nn.Module):
    """A network with gated decisions.

    Args:
        network: Maps inputs to logits; what is gated in it may hold what is gated, too.
        choices: The decisions, in the order of the gates.
    """

    def __init__(self, network: nn.Module, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.network = network
        self.names = [choice.name for choice in choices]
        self._gated = [part for part in network.modules() if isinstance(part, Gated)]

    def forward(self, inputs: list[Tensor], gates: Sequence[Tensor]) -> Tensor:
        """Return logits [N, K] of a batch of the space's inputs.

        Args:
            inputs: What networks of the space eat.
            gates: One vector a decision, over its options, that sums to one: one-hot is one architecture, which
                costs what it would alone; anything softer is a mixture.

        Returns:
            The logits.
        """
        by_name = dict(zip(self.names, gates, strict=True))
        for part in self._gated:
            part.gates = by_name[part.decision]
        try:
            logits: Tensor = self.network(inputs)
        finally:
            for part in self._gated:
                part.gates = None
        return logits

    def child(self, architecture: Architecture) -> nn.Module:
        """Return a copy of one architecture, as the space builds it, with the weights it has here."""
        return deepcopy(_settled(self.network, dict(zip(self.names, architecture, strict=True))))

    @property
    def passes(self) -> float:
        """How often as many options are computed with all gates open as in a random architecture."""
        every, one = _computed(self.network)
        return every / one


@runtime_checkable
class WithSupernet(Protocol):
    """A space whose networks are parts of one."""

    def supernet(self, classes: int) -> Supernet:
        """Return a network of all options, initialised from torch's current seed."""


def seeded_supernet(space: SearchSpace, classes: int, seed: int) -> Supernet:
    """Return a supernet whose initial weights depend on the seed alone; torch's own seed stays as it was.

    Args:
        space: Where.
        classes: Number of outputs.
        seed: Of the weights.

    Returns:
        The supernet, on the CPU.

    Raises:
        InputError: If the space has no supernet.
    """
    if not isinstance(space, WithSupernet):
        raise InputError(
            f"a strategy of search.strategies trains one network of all options, which {type(space).__name__} does "
            "not have: its networks share nothing; expected a space of cells or decoders; choose cells or "
            "nasbench201, or another strategy."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return space.supernet(classes)


def one_hot(choices: Sequence[Choice], architecture: Architecture) -> list[Tensor]:
    """Return the gates that open one architecture."""
    return [
        functional.one_hot(torch.tensor(index), len(choice.options)).float()
        for choice, index in zip(choices, architecture, strict=True)
    ]


def _settled(module: nn.Module, chosen: dict[str, int]) -> nn.Module:
    """Return a network of the same weights that has, in place of all that is gated, what is chosen."""
    if isinstance(module, Gated):
        return _settled(module.options[chosen[module.decision]], chosen)
    found = copy(module)
    found._modules = {name: _settled(part, chosen) for name, part in module.named_children()}
    return found


def _computed(module: nn.Module) -> tuple[float, float]:
    """Return how many options are computed with all gates open, and in a random architecture."""
    parts = [_computed(part) for part in module.children()]
    every, one = sum(part[0] for part in parts), sum(part[1] for part in parts)
    if isinstance(module, Gated):
        count = len(module.options)
        return every + count, one / count + 1
    return every, one
