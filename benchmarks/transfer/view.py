"""What a source's network shows of a target's few images, and what the target's own network does."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.transfer import inputs
from benchmarks.transfer.own_images import affinity, source_embedding
from benchmarks.transfer.settings import settings
from taskzoo.data.pixels import pixel_statistics
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.kernel_regression import unit
from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.vectors import Diagonal as Values
from taskzoo.fisher.check import Diagonal
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.observation import Observation
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.fisher.summary import FisherProvenance
from taskzoo.probe.network import Probe, device, normalise
from taskzoo.probe.training import in_batches

BATCH = 32
DIRECTIONS = 2
DIFFERENTIATED = 100  # Images whose gradients are taken, the first of those in random order; the product's default.


@dataclass(frozen=True)
class Trained:
    """What is known of a source with classes and images of its own.

    Attributes:
        log_probabilities: Of the source's own classes, [N, Z].
        affinity: Fishers of the source's network, on its own images and on the target's, relabelled.
        embeddings: Task2Vec's of source and target, [F].
    """

    log_probabilities: Array
    affinity: tuple[Values, Values]
    embeddings: tuple[Array, Array]


@dataclass(frozen=True)
class View:
    """One source on one target's images.

    Attributes:
        features: [N, D].
        gradient_gram: Inner products of the gradients over all parameters, of the first M images, [M, M].
        labels: [N].
        classes: C.
        trained: What the initial state has not.
        seen: Features, kernel and Fisher, for the measures of the product.
    """

    features: Array
    gradient_gram: Array
    labels: Labels
    classes: int
    trained: Trained | None
    seen: Observation

    @cached_property
    def feature_kernel(self) -> Array:
        """The features' kernel, of mean diagonal 1, [N, N]."""
        return unit(self.features @ self.features.T)

    @cached_property
    def both_kernels(self) -> Array:
        """The sum of the features' and the gradients' kernels of the first M images, [M, M]."""
        features = self.features[: len(self.gradient_gram)]
        return unit(features @ features.T) + self.gradient_kernel

    @property
    def few_labels(self) -> Labels:
        """Those of the images whose gradients were taken, [M]."""
        return self.labels[: len(self.gradient_gram)]

    @cached_property
    def gradient_kernel(self) -> Array:
        """The gradients' kernel, of mean diagonal 1, [M, M]."""
        return unit(self.seen.gram.numpy())


def look(setting: str, source: str, repeat: int, few: TaskSplit, classes: int, embedding: Array) -> View:
    """Return what a training of a source shows of images.

    Args:
        setting: The probe.
        source: A trained source, or the initial state.
        repeat: Which of its trainings.
        few: The target's images.
        classes: C.
        embedding: Of the target, through the initial state.

    Returns:
        All that the measures need.
    """
    state, probe = inputs.state(setting, source, repeat), settings()[setting].probe
    network = inputs.network(setting, classes, state).eval()
    images, labels = normalise(few.images, probe), torch.from_numpy(few.labels)
    features = in_batches(network.backbone, images)
    _, grams = feature_grams(network.backbone, images[:DIFFERENTIATED].to(device()), DIRECTIONS)
    rows, trained = features.double().numpy(), None
    if source != NO_TRANSFER:
        trained = Trained(
            log_probabilities=own_classes(setting, source, repeat, rows),
            affinity=affinity(setting, source, repeat, first(few), rows[:DIFFERENTIATED]),
            embeddings=(source_embedding(setting, source), embedding),
        )
    return View(
        features=rows,
        gradient_gram=torch.stack(list(grams.values())).sum(0).double().numpy(),
        labels=few.labels,
        classes=classes,
        trained=trained,
        seen=Observation(
            fisher=fitted_fisher(network, images, features, labels, classes),
            features=features,
            pooled=features,
            pixels=torch.from_numpy(pixel_statistics(few.images)),
            gram=alike(grams, len(images[:DIFFERENTIATED])),
            labels=labels,
            classes=classes,
            provenance=provenance(source, len(images)),
        ),
    )


def first(few: TaskSplit) -> TaskSplit:
    """Return the images whose gradients are taken."""
    return TaskSplit(few.images[:DIFFERENTIATED], few.labels[:DIFFERENTIATED])


def fitted_fisher(network: Probe, images: Tensor, features: Tensor, labels: Tensor, classes: int) -> Diagonal:
    """Return the empirical Fisher of a network's backbone after a head was fitted to the features of the images."""
    network.head.load_state_dict(fit_head(features, labels, classes).state_dict())
    return backbone_fisher(network, images, labels)


def backbone_fisher(network: torch.nn.Module, images: Tensor, labels: Tensor) -> Diagonal:
    """Return the empirical Fisher of a network's backbone on the first M images, its head as it is."""
    images, labels = images[:DIFFERENTIATED], labels[:DIFFERENTIATED]
    names = [name for name, _ in network.named_parameters() if name.startswith("backbone.")]
    diagonal = fisher(network, DataLoader(TensorDataset(images, labels), BATCH), parameters=names)
    return {name.removeprefix("backbone."): value for name, value in diagonal.items()}


def provenance(source: str, images: int) -> FisherProvenance:
    """Return what messages of the product's measures need."""
    return FisherProvenance(
        fingerprint="",
        source=source,
        target="",
        target_digest="",
        repeat=0,
        labels="data",
        images=images,
        head_images=images,
        dtype="float32",
    )


def own_classes(setting: str, source: str, repeat: int, features: Array) -> Array:
    """Return the log probabilities of a source's own classes, [N, Z]."""
    weight, bias = inputs.head(setting, source, repeat)
    logits = features @ weight.double().numpy().T + bias.double().numpy()
    return np.asarray(log_softmax(logits, axis=1))
