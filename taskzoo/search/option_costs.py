"""What each option of a space costs, counted from networks."""

import torch
from torch import Tensor

from taskzoo.errors import InputError
from taskzoo.params import CostName
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.problem import Problem, seeded
from taskzoo.search.space import Architecture, SearchSpace


def option_shares(space: SearchSpace, problem: Problem, cost: CostName, reference: float) -> list[Tensor]:
    """Return what options cost, where a network's cost is a sum over its decisions.

    Args:
        space: Where.
        problem: Gives number of classes and image size.
        cost: Weights, or multiply-accumulates on one image.
        reference: The cost that counts as 1.

    Returns:
        For each decision, what every option costs more than the decision's first one, as a share of the reference.

    Raises:
        InputError: If the cost is no such sum: what an edge computes depends on the level that a cell reads; what is
            measured is none at all.
    """
    if cost not in ("parameters", "macs"):
        raise InputError(
            f"search.reward mixes in {cost}; snas expects a cost that is a sum over decisions, parameters or macs; "
            "choose one of them."
        )
    first = (0,) * len(space.choices)
    base = _count(space, problem, first, cost)
    more: list[list[int]] = []
    for place, choice in enumerate(space.choices):
        others = [(*first[:place], index, *first[place + 1 :]) for index in range(1, len(choice.options))]
        more.append([0, *(_count(space, problem, each, cost) - base for each in others)])
    last = tuple(len(choice.options) - 1 for choice in space.choices)
    if _count(space, problem, last, cost) != base + sum(each[-1] for each in more):
        raise InputError(
            f"the {cost} of {type(space).__name__}'s networks are not a sum over their decisions; snas expects one as "
            "the cost of a mixed reward; choose parameters."
        )
    return [torch.tensor(each, dtype=torch.float32) / reference for each in more]


def _count(space: SearchSpace, problem: Problem, architecture: Architecture, cost: CostName) -> int:
    whole = space.assemble(architecture, seeded(space, architecture, problem.form.outputs, 0))
    if cost == "parameters":
        return count_parameters(whole)
    return count_macs(whole, problem.val_images[:1])
