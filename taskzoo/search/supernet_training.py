"""Training a supernet, by the recipe of a candidate."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taskzoo.probe.convolutions import fast_convolutions
from taskzoo.probe.training import batches, set_training
from taskzoo.search.checkpoint import Checkpoint
from taskzoo.search.journal import Journal
from taskzoo.search.problem import Problem

FILE = "supernet.safetensors"
SMALLEST_TRAINING = 10  # Fewer candidate trainings teach a second supernet nothing that the first did not know.
Loss = Callable[[int, Tensor], Tensor]
"""Of a step, from 0, and the numbers of its training images."""


def train_supernet(
    network: nn.Module,
    groups: Sequence[dict[str, Any]],
    loss: Loss,
    problem: Problem,
    steps: int,
    seed: int,
    journal: Journal,
    trainings: int,
) -> None:
    """Train in place, on the training images alone; what was interrupted goes on from the journal's place.

    Args:
        network: With all that is trained; left in evaluation mode.
        groups: Of AdamW: weights with their peak learning rate ``lr``, and what else differs from the recipe.
        loss: What is minimised. What it draws from torch depends on seed and step alone.
        problem: Gives images and recipe; the recipe's steps are not used.
        steps: Number of updates.
        seed: Of batch order and all that is drawn.
        journal: Told of trainings spent; keeps the state.
        trainings: As how many candidate trainings all steps together are told.
    """
    recipe = problem.recipe
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [group["lr"] for group in groups], total_steps=steps + 1)
    path = None if journal.place is None else journal.place / FILE
    checkpoint = Checkpoint(path, [steps, seed], network, optimiser, schedule)
    order = batches(len(problem.train_labels), recipe.batch_size, steps, seed)
    set_training(network, recipe.frozen_batch_norm)
    with fast_convolutions(network), torch.random.fork_rng(devices=[]):
        done = checkpoint.load()
        _tell(journal, done * trainings // steps if steps else trainings)
        for step in range(done, steps):
            torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]))
            optimiser.zero_grad()
            loss(step, order[step]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            checkpoint.save(step + 1, at_once=step + 1 == steps)
            _tell(journal, (step + 1) * trainings // steps - step * trainings // steps)
    network.eval()
    optimiser.zero_grad()


def _tell(journal: Journal, trainings: int) -> None:
    if trainings:
        journal.tick(trainings)
