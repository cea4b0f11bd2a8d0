"""Fishers on the source's own images against one backward pass an image, on made-up tasks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks.transfer import inputs, own_images
from benchmarks.transfer.settings import settings
from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.distance.transferability.arrays import class_means
from taskzoo.distance.transferability.tas import matching
from taskzoo.distance.transferability.task2vec import embedding
from taskzoo.fisher.head import fit_head
from taskzoo.probe.network import Probe, build_probe, normalise
from taskzoo.probe.training import in_batches

SETTING = "small"
PROBE = settings()[SETTING].probe
CLASSES = {"four": 4, "two": 2}


def split(seed: int, classes: int) -> TaskSplit:
    """Return three noisy images of each class, whose brightness tells it."""
    rng = np.random.default_rng(seed)
    labels = np.arange(3 * classes) % classes
    images = 60 * labels[:, None, None, None] + rng.integers(0, 60, (len(labels), 3, 32, 32))
    return TaskSplit(images.astype(np.uint8), labels)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let two tasks be all there are, their networks the initial state with a head of noise."""
    generator = torch.Generator().manual_seed(0)
    heads = {name: (torch.randn(count, 96, generator=generator), torch.zeros(count)) for name, count in CLASSES.items()}
    tasks = {
        name: Task(name, tuple("abcd"[:count]), name, "", {"train": split(1, count), "val": split(2, count)})
        for name, count in CLASSES.items()
    }
    monkeypatch.setattr(inputs, "task", lambda setting, name: tasks[name])
    monkeypatch.setattr(inputs, "state", lambda setting, source, repeat: inputs.initial(setting))
    monkeypatch.setattr(own_images, "CACHE", tmp_path)
    monkeypatch.setattr(inputs, "head", lambda setting, source, repeat: heads[source])
    yield
    for cached in (own_images.source_embedding, own_images.own_fisher, own_images.source_means):
        cached.cache_clear()


def squares(network: Probe, images: torch.Tensor, weigh: torch.Tensor) -> dict[str, np.ndarray]:
    """Return the mean over images of sum_y w_y (d log p(y | x))^2, weights [N, K], a backward pass each."""
    total = {name: np.zeros(value.shape) for name, value in network.named_parameters()}
    for image, weights in zip(images, weigh, strict=True):
        for label in weights.nonzero().flatten():
            network.zero_grad()
            functional.cross_entropy(network(image[None]), label[None]).backward()  # type: ignore[no-untyped-call]
            for name, value in network.named_parameters():
                assert value.grad is not None
                total[name] += weights[label].item() * value.grad.double().numpy() ** 2 / len(images)
    return total


@pytest.mark.parametrize(("source", "target"), [("four", "two"), ("two", "four"), ("four", "four")])
def test_tas_looks_through_the_matched_part_of_the_source(source: str, target: str) -> None:
    few, own = split(3, CLASSES[target]), split(2, CLASSES[source])
    network = build_probe(PROBE, CLASSES[source], inputs.initial(SETTING)).eval()
    features, ours = (in_batches(network.backbone, normalise(one.images, PROBE)).double().numpy() for one in (few, own))
    found = own_images.affinity(SETTING, source, 0, few, features)
    rows, columns = matching(class_means(ours, own.labels)[0], class_means(features, few.labels)[0])
    assert len(rows) == min(CLASSES[source], CLASSES[target])
    weight, bias = inputs.head(SETTING, source, 0)
    network.head = torch.nn.Linear(96, len(rows))
    network.head.load_state_dict({"weight": weight[rows.tolist()], "bias": bias[rows.tolist()]})
    for diagonal, images, names in zip(found, (own, few), (rows, columns), strict=True):
        places = {int(name): place for place, name in enumerate(names)}
        keep = [place for place, label in enumerate(images.labels) if int(label) in places]
        labels = torch.tensor([places[int(label)] for label in images.labels[keep]])
        wanted = squares(network, normalise(images.images[keep], PROBE), functional.one_hot(labels, len(rows)).float())
        assert set(diagonal) == set(wanted)
        for name, value in wanted.items():
            np.testing.assert_allclose(diagonal[name], value, rtol=1e-3, atol=1e-6 * value.max() + 1e-12)


def test_task2vec_weighs_every_class_by_the_fitted_heads_probability(tmp_path: Path) -> None:
    images = split(1, 4)
    network = build_probe(PROBE, 4, inputs.initial(SETTING)).eval()
    pixels, labels = normalise(images.images, PROBE), torch.from_numpy(images.labels)
    network.head.load_state_dict(fit_head(in_batches(network.backbone, pixels), labels, 4).state_dict())
    wanted = squares(network, pixels, network(pixels).softmax(1).detach())
    backbone = {name: value for name, value in wanted.items() if name.startswith("backbone.")}
    found = own_images.task_embedding(SETTING, images, 4)
    np.testing.assert_allclose(found, embedding(backbone), rtol=1e-3, atol=1e-6 * found.max())
    np.testing.assert_allclose(own_images.source_embedding(SETTING, "four"), found, rtol=1e-5)
    (kept,) = (tmp_path / "embeddings").iterdir()
    np.testing.assert_array_equal(np.load(kept), own_images.source_embedding(SETTING, "four"))
