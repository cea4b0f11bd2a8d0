"""The Fisher kernel at fixed penalties against a regression that leaves each image out."""

import numpy as np
import pytest

from benchmarks.transfer import inputs, penalties
from benchmarks.transfer.settings import settings
from taskzoo.distance.kernel_regression import unit
from taskzoo.distance.transferability.arrays import Array, one_hot
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.probe.network import build_probe, normalise
from tests.benchmarks.examples import bright

SETTING, CLASSES, COUNT = "small", 3, 12


def left_out(kernel: Array, responses: Array, penalty: float) -> float:
    """Return the R^2 of ridge regressions on a factor of the kernel with an intercept that is not penalised."""
    values, vectors = np.linalg.eigh(kernel)
    rows = vectors * np.sqrt(np.maximum(values, 0))
    design = np.column_stack([np.ones(len(rows)), rows])
    ridge = penalty * np.diag([0.0, *np.ones(rows.shape[1])])
    wrong = usual = 0.0
    for each in range(len(rows)):
        rest = np.arange(len(rows)) != each
        weights = np.linalg.solve(design[rest].T @ design[rest] + ridge, design[rest].T @ responses[rest])
        wrong += float(np.square(responses[each] - design[each] @ weights).sum())
        usual += float(np.square(responses[each] - responses[rest].mean(0)).sum())
    return 1 - wrong / usual


def test_every_penalty_is_a_share_of_the_mean_diagonal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "state", lambda setting, source, repeat: inputs.initial(setting))
    few, probe = bright(COUNT, CLASSES, step=60), settings()[SETTING].probe
    found = penalties.at_penalties(SETTING, "any", 0, few, CLASSES)
    backbone = build_probe(probe, CLASSES, inputs.initial(SETTING)).eval().backbone
    features, grams = feature_grams(backbone, normalise(few.images, probe))
    rows = features.double().numpy()
    kernel = unit(rows @ rows.T) + unit(alike(grams, COUNT).numpy())
    scale = np.trace(kernel) / COUNT
    assert [*penalties.PENALTIES] == ["0.01", "0.0464", "0.215", "1", "4.64", "21.5", "100"]
    for name, value in zip(penalties.PENALTIES, found, strict=True):
        expected = left_out(kernel, one_hot(few.labels, CLASSES), float(name) * scale)
        assert value == pytest.approx(expected, abs=2e-3)
    assert np.ptp(found) > 0.1
