"""SNAS beside a deterministic mixture: parent, child with the parent's weights, and child trained again."""

import time
from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmarks import rows
from benchmarks.supernets.settings import RESULTS, SEEDS, SPACES, STEPS, problem, space
from taskzoo.probe.network import device
from taskzoo.probe.training import accuracy
from taskzoo.search.costs.counting import count_parameters
from taskzoo.search.problem import Lookup, Problem, seeded
from taskzoo.search.rewards import Mixed
from taskzoo.search.space import Architecture, SearchSpace
from taskzoo.search.strategies.one_shot import judge
from taskzoo.search.strategies.snas import COLD, Relaxation, Relaxed, concrete, train_relaxed

TABLE = RESULTS / "relaxed.csv"
KINDS = ("parent", "child", "recalibrated", "retrained")
COLUMNS = ("key", "space", "strategy", "weight", "seed", *KINDS, "parameters", "largest_share", "seconds")
WEIGHTS = (1.0, 0.999, 0.995, 0.99, 0.9, 0.1)  # Of the accuracy, beside the share of the largest network's weights.


def mixture(logits: Tensor, temperature: float) -> Tensor:
    """Return softmax(logits), whatever the temperature: what DARTS mixes with."""
    return logits.softmax(0)


STRATEGIES: dict[str, Relaxation] = {"snas": concrete, "mixture": mixture}


class Parent(nn.Module):
    """A supernet with the gates it has at the end of its training, drawn for every batch."""

    def __init__(self, relaxed: Relaxed, relaxation: Relaxation) -> None:
        super().__init__()
        self.relaxed, self.relaxation = relaxed, relaxation

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Return logits [N, K]."""
        gates = [self.relaxation(logits, COLD) for logits in self.relaxed.logits]
        logits: Tensor = self.relaxed.supernet(inputs, gates)
        return logits


def measure(name: str, strategy: str, weight: float, seed: int) -> None:
    """Train a supernet, cut its child out, train that alone, and keep what all of them reach on validation images."""
    where, task = space(name), problem(name)
    if weight < 1:
        task = replace(task, reward=Mixed("parameters", largest(where, task), weight))
    relaxed, start = Relaxed(where, task.form.outputs, seed), time.process_time()
    train_relaxed(relaxed, where, task, STEPS, seed, relaxation=STRATEGIES[strategy])
    seconds = time.process_time() - start
    chosen = relaxed.likeliest()
    child = task.measure(where, chosen, relaxed.supernet.child(chosen))
    found = {
        "parent": parent(relaxed, where, task, STRATEGIES[strategy], seed),
        "child": child.accuracy,
        "recalibrated": judge(relaxed.supernet, where, task, chosen, seed).accuracy,
        "retrained": task.evaluate(where, chosen, seed).accuracy,
    }
    share = torch.stack([each.max() for each in relaxed.shares()]).mean().item()
    values = [f"{found[kind]:.4f}" for kind in KINDS]
    row = (key(name, strategy, weight, seed), name, strategy, weight, seed, *values, child.parameters)
    rows.append(TABLE, COLUMNS, [(*row, f"{share:.3f}", f"{seconds:.1f}")])


def parent(relaxed: Relaxed, where: SearchSpace, task: Problem, relaxation: Relaxation, seed: int) -> float:
    """Return the supernet's own validation accuracy."""
    network = Lookup(Parent(relaxed, relaxation).to(device()), task.inputs(where).val)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return accuracy(network, torch.arange(len(task.val_labels)), task.val_labels)


def largest(where: SearchSpace, task: Problem) -> int:
    """Return the weights of the largest of a space's networks; a decision's options cost alike whatever the others."""
    chosen: Architecture = (0,) * len(where.choices)
    for place, choice in enumerate(where.choices):
        others = [(*chosen[:place], index, *chosen[place + 1 :]) for index in range(len(choice.options))]
        chosen = max(others, key=lambda each: weights(where, each, task.form.outputs))
    return weights(where, chosen, task.form.outputs)


def weights(where: SearchSpace, architecture: Architecture, classes: int) -> int:
    """Return how many weights a network has."""
    return count_parameters(where.assemble(architecture, seeded(where, architecture, classes, 0)))


def key(name: str, strategy: str, weight: float, seed: int) -> str:
    """Return a name of a row that changes with the settings."""
    return f"{name}-{strategy}-{weight}-{seed}-{STEPS}"


def missing() -> list[tuple[str, str, float, int]]:
    """Return what is not done: both strategies in all spaces, SNAS with all weights in one; seeds slowest."""
    done = set(rows.read(TABLE, COLUMNS)["key"])
    plain = [(name, strategy, WEIGHTS[0]) for name in SPACES for strategy in STRATEGIES]
    priced = [(SPACES[0], "snas", weight) for weight in WEIGHTS[1:]]
    return [(*each, seed) for seed in range(SEEDS) for each in (*plain, *priced) if key(*each, seed) not in done]
