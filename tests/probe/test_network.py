"""Probes: one initial state, one fingerprint, weights that fit or are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from taskzoo.errors import InputError
from taskzoo.params import ProbeParams
from taskzoo.probe.network import build_probe, create_backbone, fingerprint, initial_state, normalise

PARAMS = ProbeParams(backbone="test_efficientnet", image_size=32)


def test_initial_state_depends_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = initial_state(PARAMS)
    torch.manual_seed(2)
    second = initial_state(PARAMS)
    other = initial_state(PARAMS.model_copy(update={"seed": 1}))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert fingerprint(PARAMS, first) == fingerprint(PARAMS, second) != fingerprint(PARAMS, other)


@pytest.mark.parametrize("change", [{"image_size": 64}, {"mean": 0.4}, {"std": 0.3}, {"backbone": "test_resnet"}])
def test_fingerprint_sees_every_part(change: dict[str, object]) -> None:
    state = initial_state(PARAMS)
    assert fingerprint(PARAMS, state) != fingerprint(PARAMS.model_copy(update=change), state)


def test_a_new_probe_is_undecided_and_shares_nothing() -> None:
    state = initial_state(PARAMS)
    one, two = build_probe(PARAMS, 4, state), build_probe(PARAMS, 4, state)
    with torch.no_grad():
        next(one.backbone.parameters()).add_(1)
    assert torch.equal(next(two.backbone.parameters()), state[next(iter(dict(two.backbone.named_parameters())))])
    assert two(torch.rand(2, 3, 32, 32)).eq(0).all()


def test_normalise_by_hand() -> None:
    images = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1)
    assert normalise(images, PARAMS).flatten().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext", "test_nfnet"])
def test_backbones_take_small_images(name: str) -> None:
    assert create_backbone(name, 32)(torch.rand(2, 3, 32, 32)).ndim == 2


def test_unknown_and_unfit_networks_are_named() -> None:
    with pytest.raises(InputError, match=r"'resnet19' is not a timm network.*timm.list_models"):
        create_backbone("resnet19", 32)
    with pytest.raises(InputError, match=r"'resnet_18' is not .*for example: .*resnet"):
        create_backbone("resnet_18", 32)
    with pytest.raises(InputError, match="cannot work on 8x8"):
        create_backbone("inception_v3", 8)


def test_local_weights_are_loaded_and_checked(tmp_path: Path) -> None:
    state = initial_state(PARAMS.model_copy(update={"seed": 7}))
    save_file(state | {"classifier.weight": torch.zeros(3, 3)}, tmp_path / "w.safetensors")
    given = PARAMS.model_copy(update={"weights": str(tmp_path / "w.safetensors")})
    loaded = initial_state(given)
    assert all(torch.equal(state[name], loaded[name]) for name in state)
    with pytest.raises(InputError, match=r"does not fit 'test_resnet'.*expected"):
        initial_state(given.model_copy(update={"backbone": "test_resnet"}))
    with pytest.raises(InputError, match="does not exist"):
        initial_state(PARAMS.model_copy(update={"weights": str(tmp_path / "none")}))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="is not safetensors"):
        initial_state(PARAMS.model_copy(update={"weights": str(tmp_path / "text")}))


def test_timm_weights_that_are_not_at_hand_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=r"probe.weights is 'timm'.*local safetensors file"):
        initial_state(PARAMS.model_copy(update={"weights": "timm"}))
