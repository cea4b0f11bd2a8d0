"""What every measure says of every source, from the images of each draw alone."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.controls import of_images
from benchmarks.transfer.measures import NAMES, scores
from benchmarks.transfer.own_images import source_embedding, task_embedding
from benchmarks.transfer.settings import REPEATS, RESULTS, SCORED_DRAWS, settings
from benchmarks.transfer.truth import chosen
from benchmarks.transfer.view import DIFFERENTIATED, backbone_fisher, look, provenance
from taskzoo.data.pixels import pixel_statistics
from taskzoo.files import digest_json, write_text
from taskzoo.fisher.feature_gram import alike, feature_grams
from taskzoo.fisher.observation import Observation
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.parallel import run_jobs
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import device
from taskzoo.probe.training import fit, in_batches

COLUMNS = ("key", "target", "source", "draw", *NAMES)


def measure_scores(setting: str, regime: str, draws: int = SCORED_DRAWS) -> None:
    """Score every source on every target, as far as that is not done.

    The rows of a file with other measures are dropped: the keys have changed, and all of it is to be scored again.

    Args:
        setting: The probe.
        regime: How targets learn.
        draws: Of each target's images.
    """
    rows.drop_others(path_of(setting, regime), COLUMNS)
    run_jobs(embed, [(setting, source) for source in settings()[setting].sources], f"{setting} embeddings")
    run_jobs(score, list(missing(setting, regime, draws)), f"{setting} {regime} scores")
    write_text(controls_path(setting, regime), of_images(setting, regime, draws).to_csv(index=False))


def controls_path(setting: str, regime: str) -> Path:
    """Return the file of the controls that need images."""
    return RESULTS / "controls" / f"{setting}-{regime}.csv"


def controls_of(setting: str, regime: str) -> pd.DataFrame:
    """Return those controls, one row a target, source and draw."""
    path = controls_path(setting, regime)
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["target", "source", "draw"])


def path_of(setting: str, regime: str) -> Path:
    """Return the file of a regime's scores."""
    return RESULTS / "scores" / f"{setting}-{regime}.csv"


def table(setting: str, regime: str) -> pd.DataFrame:
    """Return the scores so far, one row a target, source and draw, of the measures that there were then."""
    return rows.read(path_of(setting, regime), COLUMNS)


def missing(setting: str, regime: str, draws: int = SCORED_DRAWS) -> Iterator[tuple[str, str, str, int]]:
    """Yield targets and draws that lack a source; draws change slowest."""
    done = set(table(setting, regime)["key"])
    for draw in range(draws):
        for target in settings()[setting].targets:
            if any(key(setting, regime, target, source, draw) not in done for source in sources(setting, target)):
                yield setting, regime, target, draw


def sources(setting: str, target: str) -> list[str]:
    """Return the sources of a target, the initial state last."""
    return [*(name for name in settings()[setting].sources if name != target), NO_TRANSFER]


def key(setting: str, regime: str, target: str, source: str, draw: int) -> str:
    """Return a hash of the inputs of a score, and of which measures there are."""
    params = settings()[setting]
    known = "" if source == NO_TRANSFER else inputs.task(setting, source).digest
    parts = [inputs.task(setting, target).digest, source, known, params.training.model_dump(), NAMES]
    return digest_json([*parts, inputs.print_of(setting), vars(params.regimes[regime]), draw])[:12]


def embed(setting: str, source: str) -> None:
    """Keep a source's embedding, which every target needs."""
    source_embedding(setting, source)


def score(setting: str, regime: str, target: str, draw: int) -> None:
    """Score all sources on the images of one draw."""
    task, how = inputs.task(setting, target), settings()[setting].regimes[regime]
    few, classes = chosen(task.val, how, draw), len(task.classes)
    own, embedding = target_network(setting, regime, target, draw), task_embedding(setting, few, classes)
    found = []
    for source in sources(setting, target):
        values = scores(look(setting, source, draw % REPEATS, few, classes, embedding), own)
        told = ["" if math.isnan(values[name]) else f"{values[name]:.6g}" for name in NAMES]
        found.append((key(setting, regime, target, source, draw), target, source, draw, *told))
    rows.append(path_of(setting, regime), COLUMNS, found)


def target_network(setting: str, regime: str, target: str, draw: int) -> Observation:
    """Return what a network shows that learned the target from the images of the draw, on the same images."""
    task, params = inputs.task(setting, target), settings()[setting]
    how, classes = params.regimes[regime], len(task.classes)
    network = inputs.network(setting, classes, inputs.initial(setting))
    few = chosen(task.val, how, draw)
    images, labels = tensors(few, params.probe)
    fit(network, images, labels, params.recipe(how), draw)
    features = in_batches(network.backbone, images)
    _, grams = feature_grams(network.backbone, images[:DIFFERENTIATED].to(device()))
    values = backbone_fisher(network, images, labels)
    gram = alike(grams, len(images[:DIFFERENTIATED]))
    pixels = torch.from_numpy(pixel_statistics(few.images))
    return Observation(values, features, features, pixels, gram, labels, classes, provenance(target, len(images)))
