"""FUSE (Le et al., 2021): candidates compete inside one mixture of their logits.

A round trains the incumbent and fresh candidates jointly. Weights follow the mixture's training loss with
alpha fixed, alpha follows its validation loss with the weights fixed, in turns. The largest alpha is the
next incumbent. What the published scripts do otherwise is mended here: alpha never sees test images, every
candidate has a seed of its own, optimisers live for a whole round, batch normalisation stands still while
alpha moves, nothing is drawn twice, and both alpha and the incumbent have a test of convergence.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from taskzoo.likelihood import Likelihood
from taskzoo.probe.network import device
from taskzoo.probe.training import CLASSES, Recipe, batches, in_batches
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.mixture import Mixture
from taskzoo.search.problem import Inputs, Lookup, Problem, seeded, take
from taskzoo.search.results import Trial
from taskzoo.search.space import Architecture, SearchSpace, encode, sample, size

CANDIDATES = 3  # The incumbent and two fresh ones.
SMALLEST_ROUND = 2 + 1  # Two candidates, and the winner alone.
TURN = 10  # Weight steps between two moves of alpha.
ALPHA_STEPS = 20  # At most, a turn.
ALPHA_RATE = 0.1
STILL = 1e-3  # Alpha has converged when no share moves by more.
PATIENCE = 2  # Rounds an incumbent must survive for the search to end.


def fuse_search(
    space: SearchSpace,
    problem: Problem,
    trials: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    known: Sequence[Trial] = (),
) -> list[Trial]:
    """Search by rounds of competing candidates.

    A round of C candidates spends C trainings. A new incumbent is then trained once more, alone, so that its
    accuracy compares with other strategies'; that training is paid from the same budget. A round knows accuracy
    alone: the reward decides which earlier trial is the first incumbent, and which incumbent is the best.

    Args:
        space: Where.
        problem: For which task.
        trials: Candidate trainings that may be spent.
        seed: Of everything drawn.
        journal: Told of trainings spent.
        known: Earlier trials of the same search, perhaps in a part of the space; the best is the first incumbent.

    Returns:
        One trial per incumbent, in order: the last one is FUSE's answer. None where too little is left for a round.
    """
    if known and trials < SMALLEST_ROUND:
        return []
    rng = np.random.default_rng([seed, len(known)])
    best = max(known, key=lambda each: each.reward, default=None)
    incumbent = sample(space, rng) if best is None else encode(space, best.architecture)
    seen = {incumbent}
    done: list[Trial] = []
    spent = survived = 0
    while survived < PATIENCE:
        candidates = [incumbent, *_fresh(space, rng, seen, round_size(trials - spent) - 1)]
        if len(candidates) < 2 and done:
            break
        seeds = [int(rng.integers(2**31)) for _ in range(len(candidates) + 1)]
        winner = candidates[journal.once(f"winner after {spent}", partial(compete, space, problem, candidates, seeds))]
        survived = survived + 1 if winner == incumbent and done else 0
        trainings = len(candidates) if len(candidates) > 1 else 0
        if winner != incumbent or not done:
            trainings += 1
            done.append(journal.measure("fuse", space, problem, winner, seed, spent + trainings))
        incumbent = winner
        spent += trainings
        journal.tick(trainings)
    return done


def round_size(left: int) -> int:
    """Return how many candidates the next round takes from what is left of the budget.

    Args:
        left: Candidate trainings not spent.

    Returns:
        ``CANDIDATES``, or all that is left but one (for the winner alone) where no other round could follow.
    """
    joint = left - 1
    return CANDIDATES if joint - CANDIDATES >= SMALLEST_ROUND else joint


def _fresh(space: SearchSpace, rng: np.random.Generator, seen: set[Architecture], count: int) -> list[Architecture]:
    """Return architectures never drawn before and note them as seen; fewer where the space is exhausted."""
    drawn: list[Architecture] = []
    while len(drawn) < count and len(seen) < size(space):
        architecture = sample(space, rng)
        if architecture not in seen:
            seen.add(architecture)
            drawn.append(architecture)
    return drawn


def compete(space: SearchSpace, problem: Problem, candidates: Sequence[Architecture], seeds: Sequence[int]) -> int:
    """Train candidates as one mixture.

    Args:
        space: Where they are from.
        problem: The task.
        candidates: Architectures; one alone wins unopposed.
        seeds: Of the initial weights of each, and of the training.

    Returns:
        The place of the one with the largest share.
    """
    if len(candidates) == 1:
        return 0
    networks = [
        seeded(space, architecture, problem.form.outputs, seed)
        for architecture, seed in zip(candidates, seeds, strict=False)
    ]
    mixture = Mixture(networks).to(device())
    inputs = problem.inputs(space)
    labels = problem.train_labels, problem.val_labels
    alternate(mixture, inputs, *labels, problem.recipe, seeds[-1], problem.form.likelihood)
    return int(mixture.shares.argmax())


def alternate(
    mixture: Mixture,
    inputs: Inputs,
    train_labels: Tensor,
    val_labels: Tensor,
    recipe: Recipe,
    seed: int,
    likelihood: Likelihood = CLASSES,
) -> None:
    """Train a mixture in place: weights on training data and alpha on validation data, in turns.

    Ends after the recipe's steps, or when alpha has stood still for a whole turn.

    Args:
        mixture: The candidates; left in evaluation mode.
        inputs: Of both splits.
        train_labels: Targets, [N, ...].
        val_labels: Targets, [M, ...].
        recipe: Of every candidate's training.
        seed: Of the batch order and of dropout.
        likelihood: Of the outputs; classes' softmax where left out.
    """
    weights = list(mixture.candidates.parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps + 1)
    alpha_optimiser = torch.optim.Adam([mixture.alpha], lr=ALPHA_RATE)
    order = batches(len(train_labels), recipe.batch_size, recipe.steps, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, recipe.steps, TURN):
            before = mixture.shares
            for index in order[start : start + TURN]:
                step_weights(mixture, inputs.train, train_labels, index, optimiser, likelihood)
                schedule.step()
            move_alpha(mixture, candidate_logits(mixture, inputs.val), val_labels, alpha_optimiser, likelihood)
            if _moved(before, mixture.shares) < STILL:
                break


def step_weights(
    mixture: Mixture,
    inputs: list[Tensor],
    labels: Tensor,
    index: Tensor,
    optimiser: torch.optim.Optimizer,
    likelihood: Likelihood = CLASSES,
) -> None:
    """Take one step of all candidates' weights down the mixture's loss, alpha fixed.

    Args:
        mixture: Changed in place.
        inputs: Of all training images.
        labels: Targets, [N, ...].
        index: The batch.
        optimiser: Over the candidates' weights only.
        likelihood: Of the outputs.
    """
    mixture.train()
    where = mixture.alpha.device
    logits = mixture.logits(take(inputs, index.to(where)))
    mixed = torch.einsum("c,c...->...", mixture.shares, logits)
    optimiser.zero_grad()
    likelihood.negative_log(mixed, labels[index].to(where)).mean().backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def candidate_logits(mixture: Mixture, inputs: list[Tensor]) -> Tensor:
    """Return every candidate's outputs [C, M, K, ...] in evaluation mode, on alpha's device: constants to alpha."""
    index = torch.arange(len(inputs[0]))
    parts = [in_batches(Lookup(each, inputs), index) for each in mixture.candidates]
    return torch.stack(parts).to(mixture.alpha.device)


def move_alpha(
    mixture: Mixture,
    logits: Tensor,
    labels: Tensor,
    optimiser: torch.optim.Optimizer,
    likelihood: Likelihood = CLASSES,
) -> None:
    """Move alpha down the mixture's loss until it stands still, for at most ``ALPHA_STEPS`` steps.

    Args:
        mixture: Its alpha is changed in place.
        logits: Outputs of the candidates on all validation images, [C, M, K, ...].
        labels: Targets, [M, ...].
        optimiser: Over alpha only.
        likelihood: Of the outputs.
    """
    labels = labels.to(logits.device)
    for _ in range(ALPHA_STEPS):
        before = mixture.shares
        optimiser.zero_grad()
        likelihood.negative_log(mixture.mix(logits), labels).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if _moved(before, mixture.shares) < STILL:
            return


def _moved(before: Tensor, after: Tensor) -> float:
    return float((after - before).abs().max())
