"""The head is the optimum of its objective on standardised features, folded back."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from taskzoo.fisher.head import fit_head


@pytest.mark.parametrize("classes", [2, 5])
def test_agrees_with_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % classes
    features = rng.normal(size=(80, 6)) * [1, 10, 0.1, 1, 1, 3] + 2 + labels[:, None]
    standardised = (features - features.mean(0)) / features.std(0)
    # Two columns of the softmax share one penalised direction, so the multinomial form needs K columns.
    wide = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000)
    if classes == 2:
        wide.set_params(C=2.0)  # Weights (-w/2, w/2) cost half of what w costs in the binary form.
    wide.fit(standardised, labels)
    wanted = wide.predict_proba(standardised)
    head = fit_head(torch.from_numpy(features).float(), torch.from_numpy(labels), classes)
    found = head(torch.from_numpy(features).float()).softmax(1).detach().numpy()
    assert np.abs(found - wanted).max() < 2e-3


def test_scale_and_offset_of_features_do_not_matter() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, 4, generator=generator, dtype=torch.float64)
    labels = (features[:, 0] > 0).long()
    moved = features * torch.tensor([3.0, 0.5, 20.0, 1.0]) + torch.tensor([1.0, -2.0, 0.0, 5.0])
    logits = [fit_head(one, labels, 2).double()(one) for one in (features, moved)]
    assert torch.allclose(logits[0], logits[1], atol=1e-3)


def test_same_input_gives_the_same_bits() -> None:
    features, labels = torch.randn(30, 5), torch.arange(30) % 3
    first, second = (fit_head(features, labels, 3) for _ in range(2))
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_dead_features_are_not_blown_up() -> None:
    features = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    features[:, 1] = 7.0
    features[:, 2] *= 1e-9
    head = fit_head(features, torch.arange(30) % 2, 2)
    assert head.weight[:, 1].abs().max() == 0
    assert head.weight[:, 2].abs().max() < 1e-3
    constant = fit_head(torch.ones(8, 3), torch.tensor([0, 0, 0, 1] * 2), 2)
    assert constant(torch.ones(1, 3)).softmax(1)[0].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
