"""Cross-validated fine-tuning: folds, and that what is judged was not seen."""

import numpy as np
import pytest
from torch.nn import functional

from benchmarks.transfer import cross_validated, inputs
from benchmarks.transfer.cross_validated import FOLDS, folds
from benchmarks.transfer.settings import settings
from taskzoo.data.tasks import TaskSplit
from taskzoo.probe.forms import tensors
from taskzoo.probe.training import fit, in_batches
from tests.benchmarks.examples import bright

SETTING, REGIME, CLASSES, COUNT = "small", "few10", 2, 16


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> TaskSplit:
    """Images whose brightness tells their class; every source is the initial state."""
    monkeypatch.setattr(inputs, "state", lambda setting, source, repeat: inputs.initial(setting))
    return bright(COUNT, CLASSES, step=150)


def test_every_class_is_spread_over_all_folds() -> None:
    labels = np.repeat(np.arange(3), 10)
    found = folds(labels, 0)
    counts = np.array([[((found == fold) & (labels == label)).sum() for fold in range(FOLDS)] for label in range(3)])
    assert set(counts.ravel()) == {2, 3}
    assert np.ptp(counts.sum(0)) <= 1
    assert (folds(labels, 0) == found).all()
    assert (folds(labels, 1) != found).any()


def test_images_are_judged_by_networks_that_did_not_see_them(few: TaskSplit) -> None:
    accuracy, likelihood = cross_validated.cross_validated(SETTING, REGIME, "any", few, CLASSES, 0)
    params, parts = settings()[SETTING], folds(few.labels, 0)
    right, logarithms = 0, 0.0
    for fold in range(FOLDS):
        seen, held = (TaskSplit(few.images[mask], few.labels[mask]) for mask in (parts != fold, parts == fold))
        network = inputs.network(SETTING, CLASSES, inputs.initial(SETTING))
        fit(network, *tensors(seen, params.probe), params.recipe(params.regimes[REGIME]), 0)
        images, labels = tensors(held, params.probe)
        logits = in_batches(network, images)
        right += int((logits.argmax(1) == labels).sum())
        logarithms -= functional.cross_entropy(logits, labels, reduction="sum").item()
    assert accuracy == pytest.approx(right / COUNT)
    assert likelihood == pytest.approx(logarithms / COUNT, rel=1e-4)


def test_labels_without_a_cause_are_not_predicted(few: TaskSplit) -> None:
    mixed = TaskSplit(few.images, np.random.default_rng(1).permutation(few.labels))
    accuracy, likelihood = cross_validated.cross_validated(SETTING, REGIME, "any", mixed, CLASSES, 0)
    assert accuracy < 0.9
    assert likelihood < cross_validated.cross_validated(SETTING, REGIME, "any", few, CLASSES, 0)[1]
