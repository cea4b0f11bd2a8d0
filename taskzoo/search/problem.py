"""What an architecture is judged by: validation accuracy after a short training, and its costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from taskzoo.params import CostName
from taskzoo.probe.forms import Form
from taskzoo.probe.network import device
from taskzoo.probe.training import Recipe, fit
from taskzoo.search.costs import check_measurable, measure_costs
from taskzoo.search.metrics import Metrics
from taskzoo.search.rewards import Reward, by_accuracy
from taskzoo.search.space import Architecture, SearchSpace


class Evaluator(Protocol):
    """Answers what an architecture is worth."""

    @property
    def reward(self) -> Reward:
        """What a search maximises."""

    @property
    def costs(self) -> Sequence[CostName]:
        """What a search for several objectives minimises beside the accuracy."""

    def evaluate(self, space: Any, architecture: Architecture, seed: int) -> Metrics:
        """Return the metrics of an architecture of a space that the evaluator knows, from the seed alone."""


class Lookup(nn.Module):
    """A network that is asked by image number, so that lists of inputs train like one tensor of images.

    Args:
        network: Maps a batch of inputs to logits.
        inputs: Of all images; they stay where they are, batches move to the asking device.
    """

    def __init__(self, network: nn.Module, inputs: list[Tensor]) -> None:
        super().__init__()
        self.network = network
        self.inputs = inputs

    def forward(self, index: Tensor) -> Tensor:
        """Return logits [N, K] of the images with these numbers."""
        logits: Tensor = self.network(take(self.inputs, index))
        return logits


def take(inputs: list[Tensor], index: Tensor) -> list[Tensor]:
    """Return the inputs of the images with these numbers, on the device of the numbers."""
    where = index.cpu()
    return [each[where].to(index.device) for each in inputs]


@dataclass(frozen=True)
class Inputs:
    """Both splits as a space's networks eat them."""

    train: list[Tensor]
    val: list[Tensor]


@dataclass(frozen=True, eq=False)
class Problem:
    """One task to search for; test images have no place in it.

    Args:
        train_images: float32 [N, 3, H, W], normalised.
        train_labels: Targets, int64 [N] or of every pixel.
        val_images: float32 [M, 3, H, W], normalised.
        val_labels: Targets, [M, ...].
        form: What the task asks of a network.
        recipe: How every candidate is trained.
        reward: What a search maximises.
        costs: Measured of every architecture, as parameters and multiply-accumulates always are, and minimised by a
            search for several objectives.

    Raises:
        InputError: If a cost cannot be measured here.
    """

    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    form: Form
    recipe: Recipe
    reward: Reward = by_accuracy
    costs: Sequence[CostName] = ("macs",)
    _inputs: dict[SearchSpace, Inputs] = field(default_factory=dict, repr=False)
    _metrics: dict[tuple[SearchSpace, Architecture, int], Metrics] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be measured here."""
        check_measurable(self.costs)

    def inputs(self, space: SearchSpace) -> Inputs:
        """Return both splits as this space's networks eat them, computed at the first call."""
        if space not in self._inputs:
            self._inputs[space] = Inputs(space.inputs(self.train_images), space.inputs(self.val_images))
        return self._inputs[space]

    def evaluate(self, space: SearchSpace, architecture: Architecture, seed: int) -> Metrics:
        """Train an architecture alone and measure it; the same question twice is answered from memory.

        Args:
            space: The space it belongs to.
            architecture: Option indices.
            seed: Of initial weights and batch order.

        Returns:
            Validation accuracy and costs.
        """
        key = (space, architecture, seed)
        if key not in self._metrics:
            self._metrics[key] = self._train(space, architecture, seed)
        return self._metrics[key]

    def measure(self, space: SearchSpace, architecture: Architecture, network: nn.Module) -> Metrics:
        """Measure a network as it is.

        Args:
            space: The space it belongs to.
            architecture: Option indices.
            network: As ``space.build`` makes it, trained by whatever means; left in evaluation mode.

        Returns:
            Validation accuracy and costs.
        """
        val = Lookup(network, self.inputs(space).val)
        reached = self.score(val, torch.arange(len(self.val_labels)))
        whole = space.assemble(architecture, network)
        return Metrics(accuracy=reached, **measure_costs(whole, self.val_images[:1], self.costs))

    def score(self, network: nn.Module, images: Tensor) -> float:
        """Return the accuracy on the validation images; of a dense target the skill, 0 where it is worse than none.

        Args:
            network: Over ``images``.
            images: The validation images, or what stands for them.
        """
        return max(0.0, self.form.score(network, images, self.val_labels))

    def _train(self, space: SearchSpace, architecture: Architecture, seed: int) -> Metrics:
        network = seeded(space, architecture, self.form.outputs, seed).to(device())
        inputs = self.inputs(space)
        fit(
            Lookup(network, inputs.train),
            torch.arange(len(self.train_labels)),
            self.train_labels,
            self.recipe,
            seed,
            likelihood=self.form.likelihood,
        )
        return self.measure(space, architecture, network)


def seeded(space: SearchSpace, architecture: Architecture, classes: int, seed: int) -> nn.Module:
    """Return a network whose initial weights depend on the seed alone; torch's own seed stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return space.build(architecture, classes)
