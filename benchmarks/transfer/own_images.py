"""What measures need that also look at the source's own images: Task2Vec's embeddings, and the two Fishers of TAS."""

import io
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.transfer import inputs
from benchmarks.transfer.settings import CACHE, SEED, settings
from taskzoo.data.tasks import TaskSplit, draw
from taskzoo.distance.transferability.arrays import Array, class_means
from taskzoo.distance.transferability.tas import matching
from taskzoo.distance.transferability.task2vec import embedding
from taskzoo.distance.vectors import Diagonal
from taskzoo.files import digest_json, write_bytes
from taskzoo.fisher.diagonal import FisherDiagonal, Labels, fisher
from taskzoo.fisher.head import fit_head
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import Probe, normalise
from taskzoo.probe.training import in_batches

BATCH = 32
IMAGES = 100  # Of a source, for Task2Vec; once a source.
HELD_OUT = 50  # For TAS; once a source and choice of its classes, which may be once a pair.
KEPT = 32  # Fishers of sources' networks, at most: each is as large as a network.


@cache
def source_embedding(setting: str, source: str) -> Array:
    """Return Task2Vec's embedding of a source, from images it was trained on; kept in the cache."""
    task = inputs.task(setting, source)
    key = digest_json([task.digest, inputs.print_of(setting), IMAGES, SEED])[:12]
    path = CACHE / "embeddings" / f"{settings()[setting].name}-{source}-{key}.npy"
    if not path.exists():
        found = io.BytesIO()
        np.save(found, task_embedding(setting, draw(task.train, IMAGES, SEED), len(task.classes)))
        write_bytes(path, found.getvalue())
    return np.asarray(np.load(path), dtype=np.float64)


def task_embedding(setting: str, split: TaskSplit, classes: int) -> Array:
    """Return Task2Vec's embedding of images: the exact model Fisher of the initial state, its head fitted to them.

    Args:
        setting: The probe.
        split: The images.
        classes: C.

    Returns:
        The backbone's Fisher averaged over each filter, [F].
    """
    probe = settings()[setting].probe
    network = inputs.network(setting, classes, inputs.initial(setting)).eval()
    images, labels = tensors(split, probe)
    network.head.load_state_dict(fit_head(in_batches(network.backbone, images), labels, classes).state_dict())
    diagonal = _arrays(_fisher(network, images, labels, "expected"))
    return embedding({name: value for name, value in diagonal.items() if name.startswith("backbone.")})


def affinity(setting: str, source: str, repeat: int, few: TaskSplit, features: Array) -> tuple[Diagonal, Diagonal]:
    """Return the two Fishers of TAS: of the source's network on its own images and on a target's, relabelled.

    Args:
        setting: The probe.
        source: A trained source.
        repeat: Which of its trainings.
        few: The target's images.
        features: Of these through the source's network, [N, D].

    Returns:
        Two diagonals over the whole network; its head has the matched classes only.
    """
    own, partners = matching(source_means(setting, source, repeat), class_means(features, few.labels)[0])
    known = np.full(few.labels.max() + 1, -1)
    known[np.unique(few.labels)[partners]] = np.arange(len(own))
    relabelled = _only_known(few, known)
    chosen = tuple(own.tolist())
    network = _part(setting, source, repeat, chosen)
    images, labels = tensors(relabelled, settings()[setting].probe)
    return _arrays(own_fisher(setting, source, repeat, chosen)), _arrays(_fisher(network, images, labels, "data"))


@lru_cache(KEPT)
def own_fisher(setting: str, source: str, repeat: int, classes: tuple[int, ...]) -> FisherDiagonal:
    """Return the Fisher of a source's network on held-out images of some of its own classes."""
    known = np.full(len(inputs.task(setting, source).classes), -1)
    known[list(classes)] = np.arange(len(classes))
    images, labels = tensors(_only_known(held_out(setting, source), known), settings()[setting].probe)
    return _fisher(_part(setting, source, repeat, classes), images, labels, "data")


@cache
def source_means(setting: str, source: str, repeat: int) -> Array:
    """Return the mean features of a source's classes on its held-out images through its own network, [Z, D]."""
    probe, split = settings()[setting].probe, held_out(setting, source)
    backbone = inputs.network(setting, 2, inputs.state(setting, source, repeat)).backbone
    return class_means(in_batches(backbone, normalise(split.images, probe)).double().numpy(), split.labels)[0]


def held_out(setting: str, source: str) -> TaskSplit:
    """Return images of a source that its network did not learn from."""
    return draw(inputs.task(setting, source).val, HELD_OUT, SEED)


def _only_known(split: TaskSplit, known: npt.NDArray[np.int64]) -> TaskSplit:
    """Return the images whose class is known under a new number, with that as label; the others have -1."""
    labels = known[split.labels]
    return TaskSplit(split.images[labels >= 0], labels[labels >= 0])


def _part(setting: str, source: str, repeat: int, classes: tuple[int, ...]) -> Probe:
    """Return a source's network with the part of its head that tells some classes apart."""
    network = inputs.network(setting, len(classes), inputs.state(setting, source, repeat))
    weight, bias = inputs.head(setting, source, repeat)
    with torch.no_grad():
        network.head.weight.copy_(weight[list(classes)])
        network.head.bias.copy_(bias[list(classes)])
    return network.eval()


def _fisher(network: Probe, images: torch.Tensor, labels: torch.Tensor, rule: Labels) -> FisherDiagonal:
    return fisher(network, DataLoader(TensorDataset(images, labels), BATCH), labels=rule)


def _arrays(diagonal: FisherDiagonal) -> Diagonal:
    return {name: value.double().numpy() for name, value in diagonal.items()}
