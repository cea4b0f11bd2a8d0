"""Dense targets: the linear head on all maps, single pixels as samples, and what is observed of them."""

import numpy as np
import pytest
import torch
from torch import Tensor

from taskzoo.data.dense.domains import DOMAINS
from taskzoo.data.dense.tasks import DenseSplit, DenseTask, draw_views, shuffled
from taskzoo.errors import InputError
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.observe import observe
from taskzoo.fisher.pixel_rows import AtPixel, at_places, choose_places, mark, pixel_features
from taskzoo.fisher.reference import reference_fisher
from taskzoo.fisher.samples import see
from taskzoo.params import FisherParams, ProbeParams
from taskzoo.probe.dense_forms import NumberForm, PixelForm
from taskzoo.probe.forms import ClassForm, form_of, record_of
from taskzoo.probe.network import initial_state
from taskzoo.probe.pyramid import DenseProbe, build_dense_probe, pyramid
from taskzoo.probe.training import Recipe, fit

SIDE = 32
PROBE = ProbeParams(backbone="test_resnet", image_size=SIDE)
NUMBERS, CLASSES, WHOLE, SOFT = "normal", "segment_semantic", "vanishing_points", "class_scene"


def dense_task(name: str, seed: int = 0) -> DenseTask:
    """Make a task whose target the image's first channel gives, with holes."""

    def split(count: int, seed: int) -> DenseSplit:
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (count, 3, SIDE // 8, SIDE // 8), dtype=np.uint8)
        images = coarse.repeat(8, 2).repeat(8, 3)
        red = images[:, :1].astype(np.float32) / 255
        if name == SOFT:
            share = red.mean((2, 3), keepdims=True)
            rest = np.zeros((count, domain.channels - 2, 1, 1), np.float32)
            return DenseSplit(images, np.concatenate([share, 1 - share, rest], 1), np.ones((count, 1, 1, 1), bool))
        if domain.classes is not None:
            targets = (red > 0.5).astype(np.float32)
        else:
            targets = np.concatenate([red * (channel + 1) + channel for channel in range(domain.channels)], 1)
        if domain.whole:
            return DenseSplit(images, targets.mean((2, 3), keepdims=True), np.ones((count, 1, 1, 1), bool))
        return DenseSplit(images, targets, rng.random((count, 1, SIDE, SIDE)) > 0.2)

    domain = DOMAINS[name]
    splits = {"train": split(24, seed), "val": split(12, seed + 1), "test": split(12, seed + 2)}
    return DenseTask(name, domain, f"digest {name}", "d", True, splits)


def random_head(outputs: int, seed: int = 0) -> tuple[DenseProbe, Tensor, Tensor]:
    probe = build_dense_probe(PROBE, outputs, initial_state(PROBE)).double().eval()
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, sum(probe.sizes), generator=generator, dtype=torch.float64)
    bias = torch.randn(outputs, generator=generator, dtype=torch.float64)
    probe.set_head(weight, bias)
    return probe, weight, bias


def test_the_head_is_linear_in_the_columns() -> None:
    probe, weight, bias = random_head(3)
    images = torch.randn(2, 3, SIDE, SIDE, dtype=torch.float64)
    wanted = torch.einsum("kd,ndhw->nkhw", weight, probe.columns(images)) + bias[:, None, None]
    assert torch.allclose(probe(images), wanted, rtol=1e-10, atol=1e-10)


def test_a_point_sees_what_its_pixel_of_the_columns_is() -> None:
    probe, _, _ = random_head(1)
    images = torch.randn(3, 3, SIDE, SIDE, dtype=torch.float64)
    places = np.array([[0, 5], [SIDE * SIDE - 1, 40], [77, 1000]])
    whole = probe.columns(images).flatten(2).detach()
    wanted = torch.stack([whole[index][:, torch.from_numpy(row)].T for index, row in enumerate(places)])
    assert torch.allclose(pixel_features(probe.backbone, images, places), wanted, atol=1e-5)
    at = AtPixel(probe.backbone)(mark(images, places[:, 1]))
    assert torch.allclose(at, wanted[:, 1], atol=1e-5)


def test_pixels_are_chosen_among_those_that_have_a_target() -> None:
    targets = torch.full((2, 1, 4, 4), torch.nan)
    targets[0, 0, 1, 2], targets[1, 0, 3, 3], targets[1, 0, 0, 0] = 5.0, 7.0, 9.0
    places = choose_places(targets, 6, 0)
    assert set(places[0]) == {6}
    assert set(places[1]) == {0, 15}
    assert set(at_places(targets, places)[1].flatten().tolist()) == {7.0, 9.0}
    classes = torch.full((1, 4, 4), -1)
    classes[0, 2, 1] = 3
    assert at_places(classes, choose_places(classes, 2, 0)).tolist() == [[3, 3]]


@pytest.mark.parametrize("name", [NUMBERS, CLASSES, WHOLE, SOFT])
def test_an_observation_is_the_reference_fisher_under_the_fitted_head(name: str) -> None:
    task, params = dense_task(name), FisherParams(images=6, head_images=12, kernel_images=8, batch_size=4)
    state = initial_state(PROBE)
    found = observe("a", state, task, 1, PROBE, params, "f")
    form = form_of(task)
    network = form.build(PROBE, state).eval()
    images, targets = form.tensors(draw_views(task.train, 12, 1), PROBE)
    see(form, network, images, targets, 8, 1)
    wanted = reference_fisher(network, *form.tensors(draw_views(task.val, 6, 1), PROBE), form.likelihood)
    largest = max(float(value.max()) for value in wanted.values())
    for key, value in found.fisher.items():
        assert torch.allclose(value.double(), wanted[f"backbone.{key}"], rtol=1e-3, atol=1e-6 * largest), key
    assert found.features.shape == ((12, 96) if name in (WHOLE, SOFT) else (24, 400))
    assert found.gram.shape == (8, 8)
    assert found.pooled.shape == (12, 96)
    assert found.pixels.shape == (12, 7)
    responses = {NUMBERS: (0, (24, 3)), CLASSES: (17, (24, 17)), WHOLE: (0, (12, 9)), SOFT: (63, (12, 63))}
    assert (found.classes, found.responses.shape) == responses[name]


def test_the_fitted_head_predicts_what_the_image_shows() -> None:
    for name in (NUMBERS, CLASSES, WHOLE):
        task = dense_task(name)
        form = form_of(task)
        network = form.build(PROBE, initial_state(PROBE)).eval()
        see(form, network, *form.tensors(task.train, PROBE), 8, 0)
        assert form.score(network, *form.tensors(task.train, PROBE)) > 0.02


@pytest.mark.parametrize("name", [NUMBERS, CLASSES, "principal_curvature"])
def test_the_best_constant_has_no_skill_and_training_gives_some(name: str) -> None:
    task = dense_task(name)
    form = form_of(task)
    assert isinstance(form, PixelForm)
    network = form.build(PROBE, initial_state(PROBE))
    train = form.tensors(task.train, PROBE)
    network.set_head(torch.zeros(len(form.constant), sum(network.sizes)), form.constant)
    assert form.score(network, *train) == pytest.approx(0, abs=1e-6)
    fit(network, *train, Recipe(20, 8, 0.01), 0, likelihood=form.likelihood)
    assert form.score(network, *train) > 0.2


def test_soft_labels_are_learned_and_judged_by_the_largest() -> None:
    task = dense_task(SOFT)
    form = form_of(task)
    assert isinstance(form, ClassForm)
    images, targets = form.tensors(task.train, PROBE)
    assert targets.shape == (24, 63)
    assert torch.allclose(targets.sum(1), torch.ones(24))
    network = form.build(PROBE, initial_state(PROBE))
    fit(network, images, targets, Recipe(40, 8, 0.01), 0, likelihood=form.likelihood)
    with torch.no_grad():
        shares = network(images).softmax(1)
    assert shares[:, 2:].sum(1).max() < 0.1
    assert np.corrcoef(shares[:, 0].numpy(), targets[:, 0].numpy())[0, 1] > 0.8
    assert form.score(network, images, targets) == (shares.argmax(1) == targets.argmax(1)).float().mean()
    # A head fitted to soft labels predicts their mean where features say nothing.
    head = fit_head(torch.zeros(24, 3), targets, 63)
    assert head.bias.softmax(0)[:2].tolist() == pytest.approx(targets.mean(0)[:2].tolist(), abs=1e-3)


def test_numbers_of_the_whole_image_are_standardised_learned_and_come_back() -> None:
    task = dense_task(WHOLE)
    form = form_of(task)
    assert isinstance(form, NumberForm)
    images, targets = form.tensors(task.train, PROBE)
    assert targets.shape == (24, 9)
    assert torch.allclose(targets.mean(0), torch.zeros(9), atol=1e-4)
    assert torch.allclose(targets.std(0, unbiased=False), torch.ones(9), atol=1e-4)
    assert form.values(targets).numpy() == pytest.approx(task.train.targets[:, :, 0, 0], abs=1e-4)
    network = form.build(PROBE, initial_state(PROBE))
    assert form.score(network, images, targets) == pytest.approx(0, abs=1e-6)  # Its head is zero: the mean.
    fit(network, images, targets, Recipe(20, 8, 0.01), 0, likelihood=form.likelihood)
    assert form.score(network, images, targets) > 0.2
    record = record_of(form)
    assert record is not None
    again = record.form()
    assert isinstance(again, NumberForm)
    assert torch.equal(again.values(targets), form.values(targets))


def test_numbers_are_standardised_by_the_valid_training_pixels_and_come_back() -> None:
    task = dense_task(NUMBERS)
    form = form_of(task)
    assert isinstance(form, PixelForm)
    _, targets = form.tensors(task.train, PROBE)
    assert torch.equal(targets.isnan().all(1, keepdim=True), ~torch.from_numpy(task.train.valid))
    known = [channel[~channel.isnan()] for channel in targets.transpose(0, 1)]
    assert [float(each.median()) for each in known] == pytest.approx([0, 0, 0], abs=0.02)
    assert [float(each.abs().mean()) for each in known] == pytest.approx([1, 1, 1], rel=0.01)
    back = form.values(targets.nan_to_num(0)).numpy()
    assert back[task.train.valid.repeat(3, 1)] == pytest.approx(
        task.train.targets[task.train.valid.repeat(3, 1)], abs=1e-5
    )


def test_a_class_an_image_is_a_classification() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 3, SIDE, SIDE), dtype=np.uint8)
    split = DenseSplit(images, np.arange(6, dtype=np.float32)[:, None, None, None], np.ones((6, 1, 1, 1), bool))
    form = form_of(DenseTask("j", DOMAINS["jigsaw"], "d", "d", False, {"train": split}))
    assert form == ClassForm(100)
    assert form.tensors(split, PROBE)[1].tolist() == list(range(6))


def test_shuffled_targets_keep_their_masks_and_leave_the_images() -> None:
    task = dense_task(NUMBERS)
    other = shuffled(task)
    assert (other.train.images == task.train.images).all()
    order = [next(i for i in range(24) if (task.train.targets[i] == each).all()) for each in other.train.targets]
    assert sorted(order) == list(range(24)) != order
    assert (other.train.valid == task.train.valid[order]).all()


def test_a_backbone_without_maps_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="Flatten gives no maps"):
        pyramid(torch.nn.Flatten(), torch.zeros(1, 3, 8, 8))
