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
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.feature_gram import feature_grams
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
        grams: Of the gradients, by parameter.
        labels: [N].
        classes: C.
        log_probabilities: Of the source's own classes, [N, Z]; None for the initial state.
        seen: Features and Fisher, for the measures of the product.
    """

    features: Array
    grams: dict[str, Array]
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
        return unit(np.asarray(sum(unit(gram) for gram in self.grams.values())))

    @cached_property
    def raw_gradient_gram(self) -> Array:
        """The gradients' products over all parameters."""
        return np.asarray(sum(self.grams.values()))


def look(setting: str, source: str, repeat: int, few: TaskSplit, classes: int) -> View:
    """Return what a training of a source shows of images."""
    state, probe = inputs.state(setting, source, repeat), settings()[setting].probe
    network = build_probe(probe, classes, state).eval()
    images, labels = normalise(few.images, probe), torch.from_numpy(few.labels)
    features, grams = feature_grams(network.backbone, images, DIRECTIONS)
    network.head.load_state_dict(fit_head(features, labels, classes).state_dict())
    return View(
        features=features.double().numpy(),
        grams={name: gram.double().numpy() for name, gram in grams.items()},
        labels=few.labels,
        classes=classes,
        log_probabilities=_own_classes(setting, source, repeat, features),
        seen=observed(network, source, images, labels, classes),
    )


def observed(network: torch.nn.Module, source: str, images: Tensor, labels: Tensor, classes: int) -> Observation:
    """Take the empirical Fisher of a network's backbone, its head as it is."""
    names = [name for name, _ in network.named_parameters() if name.startswith("backbone.")]
    diagonal = fisher(network, DataLoader(TensorDataset(images, labels), BATCH), parameters=names)
    values = {name.removeprefix("backbone."): value for name, value in diagonal.items()}
    provenance = FisherProvenance(
        fingerprint="",
        source=source,
        target="",
        target_digest="",
        repeat=0,
        labels="data",
        images=len(labels),
        head_images=len(labels),
        dtype="float32",
    )
    with torch.no_grad():
        features = network.backbone(images)  # type: ignore[operator]
    nothing = torch.eye(len(labels))  # The view has the gradients of every parameter.
    return Observation(values, features, nothing, labels, classes, provenance)


def _own_classes(setting: str, source: str, repeat: int, features: Tensor) -> Array | None:
    if source == NO_TRANSFER:
        return None
    state: State = load_file(inputs.folder(setting, source) / f"{repeat % REPEATS}.safetensors")
    logits = features.double() @ state["head.weight"].double().T + state["head.bias"].double()
    return np.asarray(log_softmax(logits.numpy(), axis=1))
