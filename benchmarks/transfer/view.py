"""What a source's network shows of a target's few images, and what the target's own network does."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.transfer import inputs
from benchmarks.transfer.settings import REPEATS, settings
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.kernel_regression import unit
from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.fisher.check import Diagonal
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.observation import Observation
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.fisher.summary import FisherProvenance
from taskzoo.probe.network import State, build_probe, normalise

BATCH = 32
DIRECTIONS = 2


@dataclass(frozen=True)
class View:
    """One source on one target's images.

    Attributes:
        features: [N, D].
        gradient_gram: Inner products of the gradients over all parameters, [N, N].
        labels: [N].
        classes: C.
        log_probabilities: Of the source's own classes, [N, Z]; None for the initial state.
        seen: Features, kernel and Fisher, for the measures of the product.
    """

    features: Array
    gradient_gram: Array
    labels: Labels
    classes: int
    log_probabilities: Array | None
    seen: Observation

    @cached_property
    def feature_kernel(self) -> Array:
        """The features' kernel, of mean diagonal 1."""
        return unit(self.features @ self.features.T)

    @cached_property
    def gradient_kernel(self) -> Array:
        """The gradients' kernel, of mean diagonal 1."""
        return unit(self.seen.gram.numpy())


def look(setting: str, source: str, repeat: int, few: TaskSplit, classes: int) -> View:
    """Return what a training of a source shows of images."""
    state, probe = inputs.state(setting, source, repeat), settings()[setting].probe
    network = build_probe(probe, classes, state).eval()
    images, labels = normalise(few.images, probe), torch.from_numpy(few.labels)
    features, grams = feature_grams(network.backbone, images, DIRECTIONS)
    network.head.load_state_dict(fit_head(features, labels, classes).state_dict())
    return View(
        features=features.double().numpy(),
        gradient_gram=torch.stack(list(grams.values())).sum(0).double().numpy(),
        labels=few.labels,
        classes=classes,
        log_probabilities=_own_classes(setting, source, repeat, features),
        seen=Observation(
            fisher=backbone_fisher(network, images, labels),
            features=features,
            gram=alike(grams, len(images)),
            labels=labels,
            classes=classes,
            provenance=provenance(source, len(images)),
        ),
    )


def backbone_fisher(network: torch.nn.Module, images: Tensor, labels: Tensor) -> Diagonal:
    """Return the empirical Fisher of a network's backbone, its head as it is."""
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


def _own_classes(setting: str, source: str, repeat: int, features: Tensor) -> Array | None:
    if source == NO_TRANSFER:
        return None
    state: State = load_file(inputs.folder(setting, source) / f"{repeat % REPEATS}.safetensors")
    logits = features.double() @ state["head.weight"].double().T + state["head.bias"].double()
    return np.asarray(log_softmax(logits.numpy(), axis=1))
