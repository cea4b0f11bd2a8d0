"""What a search found beside what a person would do without one: trained whole, compared on validation images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor, nn

from taskzoo.params import FinalParams
from taskzoo.probe.network import State, device
from taskzoo.probe.training import Recipe, accuracy, fit
from taskzoo.search.costs import measure_costs
from taskzoo.search.final import train_with_care
from taskzoo.search.metrics import Metrics
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Problem, seeded
from taskzoo.search.space import Architecture, SearchSpace

FinalistName = Literal["searched", "searched_plain", "backbone"]
FINALISTS: Mapping[FinalistName, str] = {
    "searched": "the best architecture found, trained with care",
    "searched_plain": "the best architecture found, trained as candidates are, but whole and longer",
    "backbone": "the backbone as it is, trained with care",
}
SEED = 0  # Of all final trainings.


@dataclass(frozen=True)
class Finalist:
    """A network that may be chosen.

    Args:
        name: Which.
        space: It comes from.
        architecture: Of that space.
        network: Over normalised images, on the CPU, in evaluation mode.
        metrics: Its accuracy on validation images, and its costs.
    """

    name: FinalistName
    space: SearchSpace
    architecture: Architecture
    network: nn.Module
    metrics: Metrics


def train_finalists(
    space: SearchSpace,
    best: Architecture,
    backbone: str,
    state: State,
    problem: Problem,
    params: FinalParams,
) -> list[Finalist]:
    """Train all finalists with all their weights.

    Args:
        space: That was searched.
        best: What was found in it.
        backbone: The probe's, by its timm name.
        state: Of the backbone, from which it and every trunk start.
        problem: The task.
        params: Of the trainings.

    Returns:
        The finalists, by falling reward on validation images; of equals, as ``FINALISTS`` has them.
    """
    alone = ModelSpace([backbone], problem.train_images.shape[-1], {backbone: state})
    care = partial(train_with_care, classes=problem.classes, params=params, seed=SEED)
    found = [
        _finalist("searched", space, best, care, problem),
        _finalist("searched_plain", space, best, partial(_train_plainly, params=params), problem),
        _finalist("backbone", alone, (0,), care, problem),
    ]
    return sorted(found, key=lambda each: -problem.reward(each.metrics))


Training = Callable[[nn.Module, Tensor, Tensor], nn.Module]


def _finalist(
    name: FinalistName,
    space: SearchSpace,
    architecture: Architecture,
    train: Training,
    problem: Problem,
) -> Finalist:
    network = space.assemble(architecture, seeded(space, architecture, problem.classes, SEED)).to(device())
    trained = train(network, problem.train_images, problem.train_labels).cpu()
    reached = accuracy(trained, problem.val_images, problem.val_labels)
    costs = measure_costs(trained, problem.val_images[:1], problem.costs)
    return Finalist(name, space, architecture, trained.cpu(), Metrics(accuracy=reached, **costs))


def _train_plainly(network: nn.Module, images: Tensor, labels: Tensor, params: FinalParams) -> nn.Module:
    recipe = Recipe(params.steps, params.batch_size, params.learning_rate, params.weight_decay)
    fit(network, images, labels, recipe, SEED)
    return network
