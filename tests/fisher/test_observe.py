"""Observations of pairs: contents, files, resumption."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from taskzoo.data.tasks import draw
from taskzoo.errors import InputError
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.observation import load_observation, save_observation, saved_key
from taskzoo.fisher.observe import observe
from taskzoo.fisher.pairs import NO_TRANSFER, PERMUTED, observation_path, observe_pairs
from taskzoo.fisher.reference import reference_fisher
from taskzoo.params import FisherParams
from taskzoo.probe.network import State, build_probe, fingerprint, initial_state, normalise
from taskzoo.probe.storage import ProbeRecord, save_probe
from tests.fisher.tasks import PROBE, task

PARAMS = FisherParams(images=10, head_images=24, batch_size=4)


def moved(state: State, seed: int) -> State:
    """Return a state a little away from the given one, as training would leave it."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.02 * torch.randn(value.shape, generator=generator).abs() if value.is_floating_point() else value
        for name, value in state.items()
    }


def probe_file(folder: Path, state: State, name: str, repeat: int) -> Path:
    """Save a probe of a task."""
    path = folder / name / f"probe-{repeat}.safetensors"
    record = ProbeRecord(
        task=name,
        task_digest="digest",
        fingerprint="f",
        repeat=repeat,
        classes=("0", "1"),
        score=1.0,
        curve=(),
        key="k",
    )
    save_probe(path, build_probe(PROBE, 2, moved(state, 10 * len(name) + repeat)), record)
    return path


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of all files."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_observation_is_the_reference_fisher_of_backbone_with_fitted_head() -> None:
    state, target = initial_state(PROBE), task("b", classes=3)
    seen = observe("a", state, target, 1, PROBE, PARAMS, "f")
    training, held_out = draw(target.train, 24, 1), draw(target.val, 10, 1)
    assert seen.labels.tolist() == training.labels.tolist()
    assert (seen.source, seen.target, seen.repeat, seen.classes) == ("a", "b", 1, 3)
    assert (seen.provenance.images, seen.provenance.head_images) == (9, 24)

    network = build_probe(PROBE, 3, state).eval()
    features = network.backbone(normalise(training.images, PROBE))
    assert torch.allclose(seen.features, features, atol=1e-5)
    assert seen.gram.shape == (24, 24)
    assert seen.gram.sum(0).abs().max() < 1e-3
    assert float(seen.gram.diagonal().mean()) == pytest.approx(1, abs=1e-3)
    few = observe("a", state, target, 1, PROBE, PARAMS.model_copy(update={"kernel_images": 5}), "f")
    assert few.gram.shape == (5, 5)

    network.head.load_state_dict(fit_head(features.detach(), seen.labels, 3).state_dict())
    wanted = reference_fisher(network, normalise(held_out.images, PROBE), torch.from_numpy(held_out.labels))
    assert set(seen.fisher) == {name for name, _ in network.backbone.named_parameters()}
    for name, value in seen.fisher.items():
        reference = wanted[f"backbone.{name}"]
        assert torch.allclose(value.double(), reference, rtol=5e-3, atol=float(reference.max()) * 1e-4)


def test_model_rule_differs_from_data_rule_and_is_repeatable() -> None:
    state, target = initial_state(PROBE), task("b", classes=3)
    params = FisherParams(images=10, head_images=6, labels="model")
    first, second = (observe("a", state, target, 0, PROBE, params, "f") for _ in range(2))
    data = observe("a", state, target, 0, PROBE, params.model_copy(update={"labels": "data"}), "f")
    assert all(torch.equal(first.fisher[name], second.fisher[name]) for name in first.fisher)
    assert any(not torch.equal(first.fisher[name], data.fisher[name]) for name in first.fisher)


def test_a_diverged_backbone_is_named() -> None:
    state = {name: value * float("nan") for name, value in initial_state(PROBE).items()}
    with pytest.raises(InputError, match=r"source 'a' \(repeat 2\) on target 'b' are not finite"):
        observe("a", state, task("b"), 2, PROBE, PARAMS, "f")


def test_round_trip_and_damage(tmp_path: Path) -> None:
    seen = observe("a", initial_state(PROBE), task("b"), 0, PROBE, PARAMS, "f")
    path = tmp_path / "file"
    save_observation(path, seen, "the key")
    loaded = load_observation(path)
    assert loaded.provenance == seen.provenance
    assert loaded.classes == 2
    assert all(torch.equal(loaded.fisher[name], value.float()) for name, value in seen.fisher.items())
    assert torch.equal(loaded.features, seen.features)
    assert torch.equal(loaded.gram, seen.gram.float())
    assert torch.equal(loaded.labels, seen.labels)
    assert saved_key(path) == "the key"

    tensors = load_file(path)
    save_observation(path, replace(seen, labels=seen.labels + 5), "k")
    with pytest.raises(InputError, match="do not agree"):
        load_observation(path)
    for gram in (seen.gram[:3], seen.gram / 0, torch.eye(len(seen.labels) + 1)):
        save_observation(path, replace(seen, gram=gram), "k")
        with pytest.raises(InputError, match="inner products"):
            load_observation(path)
    save_file(tensors, path, {"record": "{}"})
    with pytest.raises(InputError, match="not a readable Fisher file"):
        load_observation(path)
    path.write_bytes(path.read_bytes()[:200])
    assert saved_key(path) is None
    with pytest.raises(InputError, match="not a readable Fisher file"):
        load_observation(path)


def test_pairs_are_complete_resumable_and_clean(tmp_path: Path) -> None:
    initial, folder = initial_state(PROBE), tmp_path / "fisher"
    sources = {
        name: [probe_file(tmp_path / "zoo", initial, name, repeat) for repeat in range(2)] for name in ("a", "bb")
    }
    targets = [task("a"), task("bb", classes=3)]
    observe_pairs(sources, initial, targets, PROBE, PARAMS, folder)
    whole = snapshot(folder)
    assert set(whole) == {
        f"{target}/{source}/{repeat}.safetensors"
        for target in ("a", "bb")
        for source in ("a", "bb", NO_TRANSFER, PERMUTED)
        for repeat in range(2)
    }
    own = load_observation(observation_path(folder, "a", "bb", 1))
    assert (own.source, own.target, own.repeat) == ("a", "bb", 1)
    assert own.provenance.fingerprint == fingerprint(PROBE, initial)
    chance, true = (load_observation(observation_path(folder, source, "bb", 0)) for source in (PERMUTED, "bb"))
    assert chance.provenance.target_digest == true.provenance.target_digest
    assert sorted(chance.labels.tolist()) == sorted(true.labels.tolist())
    assert all(not torch.equal(chance.fisher[name], value) for name, value in true.fisher.items() if value.any())

    # Nothing to do: nothing is touched, not even for another batch size.
    observe_pairs(sources, initial, targets, PROBE, PARAMS.model_copy(update={"batch_size": 3}), folder)
    assert snapshot(folder) == whole

    # A killed run: one file missing, one cut, one half-written. The next run equals the whole one.
    observation_path(folder, "a", "bb", 1).unlink()
    cut = observation_path(folder, "bb", "bb", 0)
    cut.write_bytes(cut.read_bytes()[:100])
    (cut.parent / ".0.safetensors.1234.tmp").write_bytes(b"half")
    observe_pairs(sources, initial, targets, PROBE, PARAMS, folder)
    again = snapshot(folder)
    assert {name: content for name, (content, _) in again.items()} == {
        name: content for name, (content, _) in whole.items()
    }

    # One probe trained anew: only its cells are made again.
    save_probe(
        sources["a"][0],
        build_probe(PROBE, 2, moved(initial, 99)),
        ProbeRecord(
            task="a", task_digest="d", fingerprint="f", repeat=0, classes=("0", "1"), score=1, curve=(), key="k"
        ),
    )
    observe_pairs(sources, initial, targets, PROBE, PARAMS, folder)
    changed = {name for name, found in snapshot(folder).items() if found != again[name]}
    assert changed == {"a/a/0.safetensors", "bb/a/0.safetensors", f"a/{PERMUTED}/0.safetensors"}

    # A source and a target are no longer asked for.
    observe_pairs({"a": sources["a"]}, initial, targets[:1], PROBE, PARAMS, folder)
    assert set(snapshot(folder)) == {
        f"a/{source}/{repeat}.safetensors" for source in ("a", NO_TRANSFER, PERMUTED) for repeat in range(2)
    }
    assert [path.name for path in folder.iterdir()] == ["a"]
