"""Variants of the Fisher kernel against gradients taken image by image, and against the product's own."""

import pytest
import torch
from torch.nn import functional

from benchmarks.transfer import ablation, inputs
from benchmarks.transfer.settings import settings
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.fisher_kernel import fisher_kernel
from taskzoo.distance.kernel_regression import log_evidence, loo_r2, unit
from taskzoo.distance.transferability.arrays import one_hot
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.fisher.head import fit_head
from taskzoo.probe.network import build_probe, normalise
from tests.benchmarks.examples import bright
from tests.distance.examples import observation

SETTING, CLASSES, COUNT = "small", 3, 12


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> TaskSplit:
    """Noisy images whose brightness tells their class; every source is the initial state."""
    monkeypatch.setattr(inputs, "state", lambda setting, source, repeat: inputs.initial(setting))
    return bright(COUNT, CLASSES, step=60)


def test_the_products_kernel_is_one_of_them(few: TaskSplit) -> None:
    found = ablation.variants(SETTING, "any", 0, few, CLASSES)
    assert set(found) == set(ablation.COLUMNS[4:])
    probe = settings()[SETTING].probe
    backbone = build_probe(probe, CLASSES, inputs.initial(SETTING)).eval().backbone
    features, grams = feature_grams(backbone, normalise(few.images, probe))
    seen = observation(features=features, gram=alike(grams, COUNT), labels=few.labels.tolist())
    assert found[f"{ablation.USUAL} evidence"] == pytest.approx(fisher_kernel(seen, seen), rel=1e-4)


def test_the_log_likelihood_is_differentiated_image_by_image(few: TaskSplit) -> None:
    probe = settings()[SETTING].probe
    network = build_probe(probe, CLASSES, inputs.initial(SETTING)).eval()
    images, labels = normalise(few.images, probe), torch.from_numpy(few.labels)
    with torch.no_grad():
        features = network.backbone(images)
    network.head.load_state_dict(fit_head(features, labels, CLASSES).state_dict())
    rows: dict[str, list[torch.Tensor]] = {}
    for image, label in zip(images, labels, strict=True):
        network.zero_grad()
        functional.cross_entropy(network(image[None]), label[None]).backward()  # type: ignore[no-untyped-call]
        for name, value in network.backbone.named_parameters():
            assert value.grad is not None
            rows.setdefault(name, []).append(value.grad.double().flatten())
    kernel = alike({name: torch.stack(row) @ torch.stack(row).T for name, row in rows.items()}, COUNT)
    both = unit((features @ features.T).double().numpy()) + unit(kernel.numpy())
    found = ablation.variants(SETTING, "any", 0, few, CLASSES)
    assert found["log-likelihood evidence"] == pytest.approx(log_evidence(both, one_hot(few.labels, CLASSES)), rel=1e-3)
    assert found["log-likelihood loo"] == pytest.approx(loo_r2(both, one_hot(few.labels, CLASSES)).max(), rel=1e-3)
