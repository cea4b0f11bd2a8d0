"""Putting together one task's package from what the stages left."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from taskzoo.data.store import load_manifest
from taskzoo.data.validation import RESULT, ValidationResult
from taskzoo.distance.compute import saved_appearance
from taskzoo.distance.matrix import Distances
from taskzoo.fisher.observation import load_observation
from taskzoo.fisher.pairs import observation_path
from taskzoo.fisher.summary import save_fisher
from taskzoo.params import Params, TaskParams
from taskzoo.probe.storage import load_record
from taskzoo.recommend.belief import usual
from taskzoo.recommend.ranking import rank
from taskzoo.records import read_json
from taskzoo.registry.package import Package, PackageContents, write_package
from taskzoo.registry.records import TaskCard, TrainRecord
from taskzoo.report.figures.recommendations import recommendation_figure
from taskzoo.report.figures.style import save_png
from taskzoo.search.results import Elites, SearchRecord
from taskzoo.search.tuning import ELITES, EXAMPLES, METRICS, TRIALS


@dataclass(frozen=True)
class Parts:
    """Where the stages left what belongs to one task.

    Args:
        data: Its data set.
        validation: The outcome of the data set's expectations.
        probes: Its probe files, one a repeat.
        observations: Of all sources and targets.
        search: Its searches and its tuned network.
        figures: Further PNG files to show with it.
    """

    data: Path
    validation: Path
    probes: Sequence[Path]
    observations: Path
    search: Path
    figures: Sequence[Path] = ()


def package_task(
    name: str, spec: TaskParams, parts: Parts, distances: Distances, params: Params, folder: Path
) -> Package:
    """Write the package of one task.

    Args:
        name: The task.
        spec: Its label map.
        parts: Where its pieces are.
        distances: Holding the task's column.
        params: Sizes, probe, eps and the measure that ranks.
        folder: The package.

    Returns:
        The package, read back.
    """
    records = [load_record(path) for path in parts.probes]
    scores = [record.score for record in records]
    metrics = read_json(parts.search / METRICS, dict[str, float], "search")
    checks = read_json(parts.validation / RESULT, ValidationResult, "validate")
    card = TaskCard(
        name=name,
        dataset=load_manifest(parts.data),
        validation={f"{each.expectation}.{each.column}": each.success for each in checks.results},
        labels=spec,
        task_digest=records[0].task_digest,
        classes=records[0].classes,
        sizes=params.sizes,
        probe=params.probe,
        fingerprint=records[0].fingerprint,
        train=TrainRecord(accuracies=tuple(scores), eps=params.train.eps, reached=min(scores) >= 1 - params.train.eps),
    )
    column, belief = distances.column(name), usual(params.probe, dense=spec.target is not None)
    with tempfile.TemporaryDirectory() as scratch:
        figure = Path(scratch) / "sources.png"
        save_png(recommendation_figure([rank(column, params.recommend, belief=belief)]), figure)
        contents = PackageContents(
            card=card,
            probes=parts.probes,
            fishers=_fishers(name, parts, Path(scratch)),
            network=parts.search,
            elites=read_json(parts.search / ELITES, Elites, "search"),
            search=read_json(parts.search / TRIALS, SearchRecord, "search"),
            distances=column,
            appearance=saved_appearance(parts.observations, name, len(parts.probes)),
            metrics=metrics | {"probe_val_accuracy": mean(scores), "probe_val_accuracy_std": stdev(scores)},
            figures=[figure, *parts.figures, *parts.search.glob(EXAMPLES)],
        )
        return write_package(folder, contents)


def _fishers(name: str, parts: Parts, scratch: Path) -> list[Path]:
    """Write the task's Fisher on its own data, one file a repeat."""
    paths = []
    for repeat in range(len(parts.probes)):
        own = load_observation(observation_path(parts.observations, name, name, repeat))
        paths.append(scratch / f"{repeat}.safetensors")
        save_fisher(paths[-1], own.fisher, own.provenance)
    return paths
