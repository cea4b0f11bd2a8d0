"""SNAS (Xie et al., 2019): a distribution of architectures, learned with the weights in the same backward pass.

Every decision has logits; a step mixes the options with a sample of their concrete distribution, whose temperature
falls until the samples are nearly one-hot. What the architecture costs enters the loss as an exact expectation. What
the published code does otherwise is mended here: the temperature falls over the steps there are, the logits are
parameters that Adam moves, no test image is seen, and costs are counted from networks.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from taskzoo.probe.network import device
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.option_costs import option_shares
from taskzoo.search.problem import Problem, take
from taskzoo.search.results import Trial
from taskzoo.search.rewards import Mixed
from taskzoo.search.space import Architecture, SearchSpace, encode, size
from taskzoo.search.supernet import Supernet, seeded_supernet
from taskzoo.search.supernet_training import SMALLEST_TRAINING, train_supernet

HOT, COLD = 1.0, 0.03  # Temperature at the first and the last step, as published.
RATE = 0.1  # Peak rate of the logits. The published 3e-4 needs a hundred thousand steps.
Relaxation = Callable[[Tensor, float], Tensor]
"""Makes gates [K] of logits [K] and a temperature."""


def snas_search(
    space: SearchSpace,
    problem: Problem,
    trials: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    known: Sequence[Trial] = (),
) -> list[Trial]:
    """Train a supernet and its distribution, then the likeliest architecture alone.

    A step with all gates open costs as many steps as it computes options for each that a random architecture has
    (``Supernet.passes``): five where every edge has five, and so many for each open level of a trunk. All trainings but
    the last pay for such steps.

    Args:
        space: Where; it must have a supernet.
        problem: For which task. A ``Mixed`` reward's cost enters the loss; of others, only the accuracy.
        trials: Candidate trainings that may be spent; no more than the space has architectures.
        seed: Of everything drawn.
        journal: Told of trainings spent; keeps the supernet's state.
        known: Earlier trials of the same search; each decision begins with half its probability on the best one's
            option.

    Returns:
        The trial of the likeliest architecture; none where too little is left for a second supernet.
    """
    if known and trials < SMALLEST_TRAINING:
        return []
    trials = min(trials, size(space))
    best = max(known, key=lambda each: each.reward, default=None)
    relaxed = Relaxed(space, problem.form.outputs, seed, None if best is None else encode(space, best.architecture))
    steps = int((trials - 1) * problem.recipe.steps / relaxed.supernet.passes)
    train_relaxed(relaxed, space, problem, steps, seed, journal, trials - 1)
    found = journal.measure("snas", space, problem, relaxed.likeliest(), seed, trials)
    journal.tick(1)
    return [found]


class Relaxed(nn.Module):
    """A supernet, and logits of every decision.

    Args:
        space: With a supernet.
        classes: Number of outputs.
        seed: Of the weights, and of the little that sets the logits apart.
        favourite: Has half of every decision's probability; None favours nothing.
    """

    def __init__(self, space: SearchSpace, classes: int, seed: int, favourite: Architecture | None = None) -> None:
        super().__init__()
        self.supernet: Supernet = seeded_supernet(space, classes, seed)
        generator = torch.Generator().manual_seed(seed)
        counts = [len(choice.options) for choice in space.choices]
        self.logits = nn.ParameterList(0.01 * torch.randn(count, generator=generator) for count in counts)
        for logits, index in zip(self.logits, favourite or (), strict=favourite is not None):
            logits.data[index] += torch.tensor(float(max(len(logits) - 1, 1))).log()

    def shares(self) -> list[Tensor]:
        """Return every decision's probabilities, softmax(logits)."""
        return [logits.softmax(0) for logits in self.logits]

    def likeliest(self) -> Architecture:
        """Return the architecture of the largest probability."""
        return tuple(int(logits.argmax()) for logits in self.logits)


def concrete(logits: Tensor, temperature: float) -> Tensor:
    """Return a sample [K] of the concrete distribution, softmax((logits + Gumbel noise) / temperature).

    What is too small to change a sum in float32 is exactly 0, so that the supernet leaves it out.
    """
    gates = functional.gumbel_softmax(logits, tau=temperature)
    return gates * (gates > torch.finfo(gates.dtype).eps)


def temperature(step: int, steps: int) -> float:
    """Return the temperature of a step, from 0: it falls linearly over all steps there are."""
    return HOT + (COLD - HOT) * step / max(steps - 1, 1)


def train_relaxed(
    relaxed: Relaxed,
    space: SearchSpace,
    problem: Problem,
    steps: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    trainings: int = 0,
    relaxation: Relaxation = concrete,
) -> None:
    """Train weights and logits in place, in one backward pass a step.

    Args:
        relaxed: Both.
        space: Theirs.
        problem: Gives training images, recipe and reward.
        steps: Number of updates.
        seed: Of everything drawn.
        journal: Told of trainings; keeps the state.
        trainings: As how many candidate trainings all steps together are told.
        relaxation: Makes the gates; the softmax itself in place of samples is the mixture of DARTS.
    """
    relaxed.to(device())
    inputs, labels = problem.inputs(space).train, problem.train_labels
    weight, costs = _resources(space, problem)

    def loss(step: int, index: Tensor) -> Tensor:
        gates = [relaxation(logits, temperature(step, steps)) for logits in relaxed.logits]
        index = index.to(gates[0].device)
        outputs = relaxed.supernet(take(inputs, index), gates)
        error = problem.form.likelihood.negative_log(outputs, labels[index.cpu()].to(index.device)).mean()
        return weight * error + (1 - weight) * expected(relaxed.shares(), costs)

    groups = [
        {"params": list(relaxed.supernet.parameters()), "lr": problem.recipe.learning_rate},
        {"params": list(relaxed.logits), "lr": RATE, "weight_decay": 0.0},  # Plain Adam.
    ]
    train_supernet(relaxed, groups, loss, problem, steps, seed, journal, trainings)


def expected(shares: Sequence[Tensor], costs: Sequence[Tensor]) -> Tensor:
    """Return the expectation of a cost, exactly: the decisions are independent, the cost is a sum once one is made.

    Args:
        shares: Probabilities [K_d], one vector a decision.
        costs: Of the options as ``option_shares`` gives them; none at all cost nothing.

    Returns:
        A scalar.
    """
    if not costs:
        return torch.zeros(())
    where, *others = shares
    first, *more = (cost.to(where) for cost in costs)
    return where @ sum((cost @ share for cost, share in zip(more, others, strict=True)), first)


def _resources(space: SearchSpace, problem: Problem) -> tuple[float, list[Tensor]]:
    """Return the accuracy's weight in the loss, and every option's cost."""
    if not isinstance(problem.reward, Mixed):
        return 1.0, []
    return problem.reward.weight, option_shares(space, problem, problem.reward.cost, problem.reward.reference)
