"""What of a target is looked at through a backbone: whole images, or single pixels where all of them are asked for."""

from dataclasses import dataclass

from torch import Tensor, nn

from taskzoo.data.dense.tasks import draw_views, shuffled
from taskzoo.data.tasks import Task, TaskSplit, draw, few_shot, permuted
from taskzoo.fisher.head import fit_head, fit_numbers
from taskzoo.fisher.pixel_rows import AtPixel, at_places, choose_places, mark, pixel_features
from taskzoo.probe.dense_forms import PixelForm
from taskzoo.probe.forms import AnySplit, AnyTask, Form
from taskzoo.probe.network import Probe
from taskzoo.probe.pyramid import DenseProbe
from taskzoo.probe.training import hard, in_batches

PIXELS = 2  # Of an image, for measures: they compare samples with each other.
HEAD_PIXELS = 16  # Of an image, for the head.


@dataclass(frozen=True)
class Seen:
    """A source's backbone on training images of a target, and the head that was fitted to it.

    Attributes:
        features: Of n samples, [n, D].
        pooled: Of all images as a whole, [N, E]; the samples' own where those are images.
        labels: int64 [n], or float32 [n, C].
        classes: Of the labels; 0 where they are numbers.
        differentiated: A network whose outputs are the features, over ``inputs``.
        inputs: The first m samples.
    """

    features: Tensor
    pooled: Tensor
    labels: Tensor
    classes: int
    differentiated: nn.Module
    inputs: Tensor


def draw_some(split: AnySplit, count: int, seed: int) -> AnySplit:
    """Draw images: equally many of each class where there is one an image."""
    return draw(split, count, seed) if isinstance(split, TaskSplit) else draw_views(split, count, seed)


def few_images(split: AnySplit, count: int, seed: int) -> AnySplit:
    """Draw so many images of each class, or so many in all where there is no class an image."""
    return few_shot(split, count, seed) if isinstance(split, TaskSplit) else draw_views(split, count, seed)


def without_meaning(task: AnyTask) -> AnyTask:
    """Return a task whose targets are shuffled among the images."""
    return permuted(task) if isinstance(task, Task) else shuffled(task)


def see(form: Form, network: Probe | DenseProbe, images: Tensor, targets: Tensor, kernel: int, seed: int) -> Seen:
    """Take features and fit the network's head to them, by the same rule for every source.

    Args:
        form: Of the target.
        network: Made by it; its head is filled.
        images: [N, 3, S, S].
        targets: [N, ...].
        kernel: Samples whose gradients will be wanted, m.
        seed: Of the choice of pixels.

    Returns:
        What was seen.
    """
    if isinstance(form, PixelForm):
        assert isinstance(network, DenseProbe)
        return _pixels(form, network, images, targets, kernel, seed)
    assert isinstance(network, Probe)
    features = in_batches(network.backbone, images)
    if features.isfinite().all():
        network.head.load_state_dict(_fit(features, targets, form.classes).state_dict())
    labels = hard(targets) if form.classes else targets
    return Seen(features, features, labels, form.classes, network.backbone, images[:kernel])


def _pixels(form: PixelForm, network: DenseProbe, images: Tensor, targets: Tensor, kernel: int, seed: int) -> Seen:
    classes = form.classes
    places = choose_places(targets, PIXELS + HEAD_PIXELS, seed)
    features = pixel_features(network.backbone, images, places)
    labels = at_places(targets, places)
    if features.isfinite().all():
        rows, wanted = features[:, PIXELS:].flatten(0, 1), labels[:, PIXELS:].flatten(0, 1)
        layer = _fit(rows, wanted, classes)
        network.set_head(layer.weight, layer.bias)
    # The first pixel of every image, then the second: the first samples are of different images.
    return Seen(
        features=features[:, :PIXELS].transpose(0, 1).flatten(0, 1),
        pooled=in_batches(network.backbone, images),
        labels=labels[:, :PIXELS].transpose(0, 1).flatten(0, 1),
        classes=classes,
        differentiated=AtPixel(network.backbone),
        inputs=mark(images[:kernel], places[:kernel, 0]),
    )


def _fit(features: Tensor, targets: Tensor, classes: int) -> nn.Linear:
    """Fit a head to classes, or to numbers where there are no classes."""
    return fit_head(features, targets, classes) if classes else fit_numbers(features, targets)
