"""What each option of a space costs, counted from networks."""

import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.params import CostName
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.problem import Problem, seeded
from taskzoo.search.space import Architecture, SearchSpace


def option_shares(space: SearchSpace, problem: Problem, cost: CostName, reference: float) -> list[Tensor]:
    """Return what options cost, where a network's cost is a sum over its decisions once the first of them is made.

    The first decision of a space says where a network stands: on which map a cell, from which map on a decoder works.

    Args:
        space: Where.
        problem: Gives number of outputs and image size.
        cost: Weights, or multiply-accumulates on one image.
        reference: The cost that counts as 1.

    Returns:
        What every option of the first decision costs more than its first one, [K_1], where all others are at their
        first option; then, for each other decision, what its options cost more than its first one, [K_1, K_d]: all as
        shares of the reference.

    Raises:
        InputError: If the cost is no such sum, as what is measured is not.
    """
    if cost not in ("parameters", "macs"):
        raise InputError(
            f"search.reward mixes in {cost}; snas expects a cost that is a sum over decisions, parameters or macs; "
            "choose one of them."
        )
    first, *others = space.choices
    bases = [(index, *(0 for _ in others)) for index in range(len(first.options))]
    wholes = torch.tensor([_whole(space, problem, base, cost) for base in bases])
    more = [_more(space, problem, base, cost) for base in bases]
    tables = [wholes - wholes[0], *(torch.tensor(each) for each in zip(*more, strict=True))]
    return [each.float() / reference for each in tables]


def _more(space: SearchSpace, problem: Problem, base: Architecture, cost: CostName) -> list[list[int]]:
    """Return, for each decision but the first, what its options cost more than the base's; refuse what is no sum."""
    spent = _part(space, problem, base, cost)
    more = []
    for place, choice in list(enumerate(space.choices))[1:]:
        changed = [(*base[:place], index, *base[place + 1 :]) for index in range(1, len(choice.options))]
        more.append([0, *(_part(space, problem, each, cost) - spent for each in changed)])
    last = (base[0], *(len(choice.options) - 1 for choice in space.choices[1:]))
    if _part(space, problem, last, cost) != spent + sum(each[-1] for each in more):
        raise ValueError(f"the {cost} of {type(space).__name__}'s networks are not a sum over their decisions")
    return more


def _whole(space: SearchSpace, problem: Problem, architecture: Architecture, cost: CostName) -> int:
    network = space.assemble(architecture, seeded(space, architecture, problem.form.outputs, 0))
    return _count(network, problem.val_images[:1], cost)


def _part(space: SearchSpace, problem: Problem, architecture: Architecture, cost: CostName) -> int:
    """Return the cost of what is built alone: what it stands on is the same for all others of its first decision."""
    network = seeded(space, architecture, problem.form.outputs, 0).eval()
    return _count(network, [each[:1] for each in problem.inputs(space).val], cost)


def _count(network: nn.Module, inputs: Tensor | list[Tensor], cost: CostName) -> int:
    return count_parameters(network) if cost == "parameters" else count_macs(network, inputs)
