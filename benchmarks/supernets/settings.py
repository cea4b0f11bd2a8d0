"""Spaces, images and recipes of the supernet benchmark."""

from functools import cache
from pathlib import Path

from torch.nn import functional

from benchmarks.transfer.inputs import initial, task
from benchmarks.transfer.settings import settings
from taskzoo.probe.forms import ClassForm, tensors
from taskzoo.probe.training import Recipe
from taskzoo.search.cells import CellSpace
from taskzoo.search.nasbench201 import NASBench201Space
from taskzoo.search.problem import Problem

RESULTS = Path(__file__).parents[1] / "results/supernets"
SPACES = ("nasbench201", "cells")
SEEDS = 3
BATCH, RATE, CLASSES = 32, 3e-3, 10
STEPS = 500  # Of a supernet with all gates open, and of a child alone.
PATH_STEPS = 1500  # Of a supernet trained one path a step.
VALIDATION = 1000  # Images, of which 500 rank paths.


@cache
def space(name: str) -> NASBench201Space | CellSpace:
    """Return a space: whole small networks, or cells on a pretrained trunk's maps of 4 and of 2 pixels a side."""
    if name == "nasbench201":
        return NASBench201Space(width=8, cells=1)
    probe = settings()["pretrained"].probe
    whole = CellSpace(probe.backbone, initial("pretrained"), probe.image_size, nodes=3, width=16)
    return whole.restrict({"level": whole.choices[0].options[-2:]})


@cache
def problem(name: str) -> Problem:
    """Return 2,000 training and 1,000 validation images of CIFAR-10.

    For whole networks they are 32 pixels a side, averaged down to 16: a step costs a quarter of what it would. The
    trunk of the cells wants 64.
    """
    setting = "small" if name == "nasbench201" else "pretrained"
    split, probe = task(setting, "cifar-ten"), settings()[setting].probe
    (train, train_labels), (val, val_labels) = tensors(split.train, probe), tensors(split.val, probe)
    if name == "nasbench201":
        train, val = functional.avg_pool2d(train, 2), functional.avg_pool2d(val, 2)
    val, val_labels = val[:VALIDATION], val_labels[:VALIDATION]
    return Problem(train, train_labels, val, val_labels, ClassForm(CLASSES), Recipe(STEPS, BATCH, RATE))
