"""Scores that ask nothing of the source's network on the target: what a measure must beat to be worth its cost."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.transfer import inputs
from benchmarks.transfer.metrics import Truth
from benchmarks.transfer.settings import settings, zoo
from benchmarks.transfer.truth import chosen
from taskzoo.data.tasks import TaskSplit
from taskzoo.distance.appearance import look, unlikeness
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.probe.storage import load_record

Array = npt.NDArray[np.float64]
SOURCE_IMAGES = 300
OF_IMAGES = ("pixel_statistics", "likeness", "pixel_likeness", "source_accuracy", "class_count", "data_set_size")


def datasets(truth: Truth) -> tuple[list[str], list[str]]:
    """Return the data sets of targets and sources; the initial state has none."""
    tasks = zoo().tasks
    rows = [tasks[name].dataset for name in truth.targets]
    return rows, ["" if name == NO_TRANSFER else tasks[name].dataset for name in truth.sources]


def same_data_set(truth: Truth) -> Array:
    """Return 1 where source and target share a data set, [T, S, 1]."""
    rows, columns = datasets(truth)
    return np.array([[float(row == column) for column in columns] for row in rows])[..., None]


def source_mean(truth: Truth, whole_data_set: bool) -> Array:
    """Return the mean gain of a source on the other targets, [T, S, 1].

    Args:
        truth: What really transferred.
        whole_data_set: Whether all targets of the target's data set are left out, or it alone.
    """
    rows, _ = datasets(truth)
    out = np.zeros(truth.mean.shape)
    for row in range(len(truth.targets)):
        keep = [i for i in range(len(rows)) if (rows[i] != rows[row] if whole_data_set else i != row)]
        gains = truth.gain[keep]
        counts = np.isfinite(gains).sum(0)
        out[row] = np.where(counts > 0, np.nansum(gains, axis=0) / np.maximum(counts, 1), 0.0)
    return out[..., None]


def random(truth: Truth, draws: int = 25) -> Array:
    """Return noise, [T, S, draws]."""
    return np.random.default_rng(0).normal(size=(*truth.mean.shape, draws))


def of_images(setting: str, regime: str, draws: int) -> pd.DataFrame:
    """Return what needs images or the sources' files: one row a target, source and draw; higher is better.

    - pixel_statistics: minus the distance of 7 pixel statistics, each scaled by its spread over the sources;
    - likeness, pixel_likeness: minus the product's unlikeness of the images, to the initial state's network and by
      their pixels: a registry keeps a vector a task, and no labels are needed;
    - source_accuracy, class_count, data_set_size: of the source.
    """
    params = settings()[setting]
    names, how, probe = params.sources, params.regimes[regime], params.probe
    backbone = inputs.network(setting, 2, inputs.initial(setting)).eval().backbone

    trained = [inputs.task(setting, name).train for name in names]
    pixels = np.array([statistics(one) for one in trained])
    classes = {name: len(inputs.task(setting, name).classes) for name in names}
    known = {
        name: look(backbone, one.images[:SOURCE_IMAGES], classes[name], probe)
        for name, one in zip(names, trained, strict=True)
    }
    spread = pixels.std(0)
    records = [load_record(inputs.folder(setting, name) / "0.safetensors") for name in names]
    rows = []
    for target in params.targets:
        for draw in range(draws):
            few = chosen(inputs.task(setting, target).val, how, draw)
            apart = np.linalg.norm((pixels - statistics(few)) / spread, axis=1)
            own = look(backbone, few.images[:SOURCE_IMAGES], classes[target], probe)
            for number, (source, record) in enumerate(zip(names, records, strict=True)):
                if source != target:
                    size = len(trained[number].labels)
                    facts = (round(record.score, 4), len(record.classes), size)
                    unlike = unlikeness(known[source].features, own.features)
                    by_pixels = unlikeness(known[source].pixels, own.pixels)
                    numbers = [round(-value, 5) for value in (apart[number], unlike, by_pixels)]
                    rows.append((target, source, draw, *numbers, *facts))
    return pd.DataFrame(rows, columns=["target", "source", "draw", *OF_IMAGES])


def statistics(split: TaskSplit) -> Array:
    """Return mean and spread of each channel, and how much neighbouring pixels differ."""
    pixels = split.images[:SOURCE_IMAGES].astype(np.float64) / 255
    rough = np.abs(np.diff(pixels, axis=3)).mean()
    return np.array([*pixels.mean((0, 2, 3)), *pixels.std((0, 2, 3)), rough])
