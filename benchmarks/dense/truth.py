"""What really transfers: the test skill that a target reaches from every source and from the initial state."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import rows
from benchmarks.dense import inputs
from benchmarks.dense.settings import FEW, IMAGES, PROBE, RESULTS, TASKS, TRAIN
from taskzoo.data.dense.tasks import draw_views
from taskzoo.files import digest_json
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.parallel import run_jobs
from taskzoo.params import TargetName
from taskzoo.probe.forms import form_of
from taskzoo.probe.network import fingerprint
from taskzoo.probe.training import fit

COLUMNS = ("key", "target", "source", "images", "draw", "skill")
PATH = RESULTS / "truth.csv"
SOURCES = (*TASKS, NO_TRANSFER)
Array = npt.NDArray[np.float64]


def measure_truth(draws: int) -> None:
    """Let every target learn from every other source and from the initial state, as far as that is not done."""
    run_jobs(transfer, list(missing(draws)), "transfer")


def missing(draws: int) -> Iterator[tuple[TargetName, str, int, int]]:
    """Yield what is not done; numbers of images and draws change slowest, so that a part is a whole table."""
    done = set(rows.read(PATH, COLUMNS)["key"])
    for images in IMAGES:
        for draw in range(draws):
            for target in TASKS:
                for source in SOURCES:
                    if source != target and key(target, source, images, draw) not in done:
                        yield target, source, images, draw


def key(target: TargetName, source: str, images: int, draw: int) -> str:
    """Return a hash of all that a result depends on."""
    how = TRAIN.model_dump(exclude={"repeats", "eps"})
    known = [source, fingerprint(PROBE, inputs.initial()), how]
    return digest_json([inputs.task(target).digest, *known, images, draw, vars(FEW)])[:12]


def transfer(target: TargetName, source: str, images: int, draw: int) -> None:
    """Fine-tune a source's backbone under a fresh head on few images, and keep the skill on the test images.

    As in Taskonomy, the images are of the validation split, which no source has seen.

    Args:
        target: The task to learn.
        source: Whose training number ``draw`` is the start; or the initial state.
        images: How many to learn from.
        draw: Seed of their choice and of the training.
    """
    task = inputs.task(target)
    form = form_of(task)
    network = form.build(PROBE, inputs.state(source, draw))
    fit(network, *form.tensors(draw_views(task.val, images, draw), PROBE), FEW, draw, likelihood=form.likelihood)
    skill = form.score(network, *form.tensors(task.test, PROBE))
    row = (key(target, source, images, draw), target, source, images, draw, f"{skill:.5f}")
    rows.append(PATH, COLUMNS, [row])


def cube(table: pd.DataFrame, images: int) -> Array:
    """Return skills [T, S, draws] of the draws that are complete; the initial state last, NaN from a task to itself."""
    some = table[table["images"] == images]
    wide = some.pivot_table(index=["target", "source"], columns="draw", values="skill")
    wide = wide.reindex(pd.MultiIndex.from_product([TASKS, SOURCES]))
    values = wide.to_numpy(dtype=np.float64, copy=True).reshape(len(TASKS), len(SOURCES), -1)
    complete = np.isfinite(values).sum((0, 1)) == len(TASKS) * (len(SOURCES) - 1)
    return np.asarray(values[:, :, complete])
