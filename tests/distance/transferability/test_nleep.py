"""N-LEEP against the mixtures' densities, written out."""

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from taskzoo.distance.transferability.arrays import Array
from taskzoo.distance.transferability.leep import leep_loo
from taskzoo.distance.transferability.nleep import KEPT, SEEDS, nleep
from tests.distance.transferability.examples import planted

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("size", [1, 6, 40])
def test_components_stand_for_source_classes(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[tuple[Any, Array]] = []
    fit = GaussianMixture.fit

    def keep(mixture: Any, rows: Array) -> Any:
        fitted.append((mixture, rows))
        return fit(mixture, rows)

    monkeypatch.setattr(GaussianMixture, "fit", keep)
    features, labels = planted(size, 1, size=size)
    found = nleep(features, labels, 3)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(features, rowvar=False)))
    kept = 1 + int((np.cumsum(values[::-1]) / values.sum() < KEPT).sum())
    principal = (features - features.mean(0)) @ vectors[:, ::-1][:, :kept]
    scores = []
    for mixture, rows in fitted:
        assert rows @ rows.T == pytest.approx(principal @ principal.T)  # Axes have either sign.
        assert len(mixture.weights_) == 3
        logs = norm(mixture.means_, np.sqrt(mixture.covariances_)).logpdf(rows[:, None]).sum(2)
        scores.append(leep_loo(log_softmax(logs + np.log(mixture.weights_), axis=1), labels, 3))
    assert len(scores) == SEEDS
    assert found == pytest.approx(np.mean(scores), rel=1e-6)


@pytest.mark.parametrize(("count", "classes", "components"), [(40, 3, 4), (12, 4, 2), (3, 2, 1)])
def test_components_are_as_many_as_images_allow(
    count: int, classes: int, components: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    monkeypatch.setattr(GaussianMixture, "fit", lambda mixture, rows: sizes.append(mixture.n_components))
    monkeypatch.setattr(GaussianMixture, "predict_proba", lambda mixture, rows: np.ones((len(rows), 1)))
    nleep(np.arange(count, dtype=np.float64)[:, None], np.arange(count) % classes, classes)
    assert sizes == [components] * SEEDS
