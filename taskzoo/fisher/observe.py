"""Looking at target b through source a's backbone."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from taskzoo.data.pixels import pixel_statistics
from taskzoo.errors import InputError
from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.fisher.observation import Observation
from taskzoo.fisher.samples import draw_some, see
from taskzoo.fisher.summary import FisherProvenance
from taskzoo.params import FisherParams, ProbeParams
from taskzoo.probe.forms import AnyTask, form_of
from taskzoo.probe.network import State, device

BACKBONE = "backbone."


def observe(
    source: str,
    state: State,
    target: AnyTask,
    repeat: int,
    probe: ProbeParams,
    params: FisherParams,
    fingerprint: str,
) -> Observation:
    """Take features and Fisher of a source's backbone on a target's images.

    A head is fitted to the source's features of training images, by the same rule for every source, the
    target's own backbone included: F_ab and F_bb differ by their backbone only. The Fisher is taken on
    validation images.

    Args:
        source: Name of the task the backbone was trained on.
        state: The backbone's weights and buffers.
        target: The task whose train and val images are used.
        repeat: Seed of the draws of images and labels.
        probe: Backbone and input form.
        params: Numbers of images and label rule.
        fingerprint: Of the probe.

    Returns:
        The observation.

    Raises:
        InputError: If the backbone gives features that are not finite, or its Fisher is not finite or zero.
    """
    form = form_of(target)
    network = form.build(probe, state).to(device()).eval()
    training = draw_some(target.train, params.head_images, repeat)
    images, targets = form.tensors(training, probe)
    seen = see(form, network, images, targets, params.kernel_images, repeat)
    if not seen.features.isfinite().all():
        raise InputError(
            f"the features of source {source!r} (repeat {repeat}) on target {target.name!r} are not finite; "
            "expected numbers; its training diverged: lower train.learning_rate."
        )
    held_out = form.tensors(draw_some(target.val, params.images, repeat), probe)
    names = [f"{BACKBONE}{name}" for name, _ in network.backbone.named_parameters()]
    try:
        values = fisher(
            network,
            DataLoader(TensorDataset(*held_out), params.batch_size),
            form.likelihood,
            labels=params.labels,
            parameters=names,
            generator=torch.Generator().manual_seed(repeat),
        )
        _, grams = feature_grams(seen.differentiated, seen.inputs.to(device()))
    except InputError as error:
        raise InputError(f"source {source!r} on target {target.name!r}, repeat {repeat}: {error}") from error
    provenance = FisherProvenance(
        fingerprint=fingerprint,
        source=source,
        target=target.name,
        target_digest=target.digest,
        repeat=repeat,
        labels=params.labels,
        images=len(held_out[0]),
        head_images=len(images),
        dtype="float32",
    )
    return Observation(
        fisher=_of_backbone(values),
        features=seen.features.float(),
        pooled=seen.pooled.float(),
        pixels=torch.from_numpy(pixel_statistics(training.images)).float(),
        gram=alike(grams, len(seen.inputs)),
        labels=seen.labels,
        classes=seen.classes,
        provenance=provenance,
    )


def _of_backbone(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(BACKBONE): value for name, value in values.items()}
