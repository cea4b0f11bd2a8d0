"""What a search found beside what a person would do without one: trained whole, compared on validation images."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from taskzoo.params import FinalParams
from taskzoo.probe.dense_forms import PixelForm
from taskzoo.probe.network import Probe, State, device
from taskzoo.probe.pyramid import DenseProbe
from taskzoo.probe.training import Recipe, fit, in_batches
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs import measure_costs
from taskzoo.search.decoders import DecoderSpace
from taskzoo.search.final import train_with_care
from taskzoo.search.metrics import Metrics
from taskzoo.search.models import ModelSpace
from taskzoo.search.problem import Lookup, Problem, seeded
from taskzoo.search.pyramids import PyramidSpace
from taskzoo.search.space import Architecture, SearchSpace, decode

FinalistName = Literal["searched", "searched_plain", "searched_frozen", "inherited", "inherited_frozen", "backbone"]
FINALISTS: Mapping[FinalistName, str] = {
    "searched": "the best architecture found, trained with care",
    "searched_plain": "the best architecture found, trained as candidates are, but whole and longer",
    "searched_frozen": "the best cell or decoder found, on the trunk as it is",
    "inherited": "the best architecture of the recommended source, unchanged, trained with care",
    "inherited_frozen": "the best cell or decoder of the recommended source, unchanged, on the trunk as it is",
    "backbone": "the backbone as it is, trained with care",
}
SEED = 0  # Of all final trainings.
ON_TRUNK = (CellSpace, DecoderSpace)


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
    inherited: Architecture | None,
    backbone: str,
    state: State,
    problem: Problem,
    params: FinalParams,
) -> list[Finalist]:
    """Train all finalists.

    What stands on a trained backbone is trained on top first, then whole (Kumar et al., 2022): a fresh head would
    spoil the backbone's features before it has learned anything.

    Args:
        space: That was searched.
        best: What was found in it.
        inherited: What the recommended source found in it; None where there is nothing to inherit.
        backbone: The probe's, by its timm name.
        state: Of the backbone, from which it and every trunk start.
        problem: The task.
        params: Of the trainings.

    Returns:
        The finalists, by falling reward on validation images; of equals, as ``FINALISTS`` has them. What is inherited
        but was found too, or is the backbone, is not trained again and stands there under that name alone.
    """
    images, labels = problem.train_images, problem.train_labels
    size = images.shape[-1]
    alone: SearchSpace = ModelSpace([backbone], size, {backbone: state})
    if isinstance(problem.form, PixelForm):
        alone = PyramidSpace(backbone, size, state)

    def with_care(network: nn.Module) -> nn.Module:
        return train_with_care(network.to(device()), images, labels, problem.form, params, SEED)

    def on_top_then_whole(whole: FinalistName, top: FinalistName, architecture: Architecture) -> list[Finalist]:
        begun = start(space, architecture, problem, params)
        found = [_finalist(whole, space, architecture, with_care(deepcopy(begun)), problem)]
        if isinstance(space, ON_TRUNK):
            found.append(_finalist(top, space, architecture, begun, problem))
        return found

    found = [
        *on_top_then_whole("searched", "searched_frozen", best),
        _finalist("searched_plain", space, best, _trained_plainly(space, best, problem, params), problem),
        _finalist("backbone", alone, (0,), with_care(start(alone, (0,), problem, params)), problem),
    ]
    known = [decode(each.space, each.architecture) for each in found]
    if inherited is not None and decode(space, inherited) not in known:
        found += on_top_then_whole("inherited", "inherited_frozen", inherited)
    order = list(FINALISTS)
    return sorted(found, key=lambda each: (-problem.reward(each.metrics), order.index(each.name)))


def start(
    space: SearchSpace, architecture: Architecture, problem: Problem, params: FinalParams, seed: int = SEED
) -> nn.Module:
    """Return a network over images whose top is trained, where it has a backbone below; else a fresh one.

    Args:
        space: It comes from.
        architecture: Of that space.
        problem: The task; its recipe gives the rate at which tops learn.
        params: Steps and batch size.
        seed: Of the new weights and the batch order.

    Returns:
        The network, on the CPU, in evaluation mode.
    """
    module = seeded(space, architecture, problem.form.outputs, seed).to(device())
    recipe = Recipe(params.steps, params.batch_size, problem.recipe.learning_rate, params.weight_decay)
    likelihood = problem.form.likelihood
    if isinstance(space, ON_TRUNK):
        index = torch.arange(len(problem.train_labels))
        lookup = Lookup(module, problem.inputs(space).train)
        fit(lookup, index, problem.train_labels, recipe, seed, likelihood=likelihood)
    network = space.assemble(architecture, module)
    if isinstance(network, Probe):
        fit(network.head, in_batches(network.backbone, problem.train_images), problem.train_labels, recipe, seed)
    if isinstance(network, DenseProbe):
        network.backbone.requires_grad_(False)
        frozen = replace(recipe, frozen_batch_norm=True)
        fit(network, problem.train_images, problem.train_labels, frozen, seed, likelihood=likelihood)
        network.requires_grad_(True)
    return network


def _finalist(
    name: FinalistName, space: SearchSpace, architecture: Architecture, network: nn.Module, problem: Problem
) -> Finalist:
    network = network.cpu()
    reached = problem.score(network, problem.val_images)
    costs = measure_costs(network, problem.val_images[:1], problem.costs)
    return Finalist(name, space, architecture, network.cpu(), Metrics(accuracy=reached, **costs))


def _trained_plainly(
    space: SearchSpace, architecture: Architecture, problem: Problem, params: FinalParams
) -> nn.Module:
    network = space.assemble(architecture, seeded(space, architecture, problem.form.outputs, SEED)).to(device())
    recipe = Recipe(params.steps, params.batch_size, params.learning_rate, params.weight_decay)
    fit(network, problem.train_images, problem.train_labels, recipe, SEED, likelihood=problem.form.likelihood)
    return network
