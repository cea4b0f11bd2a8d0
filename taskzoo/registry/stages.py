"""What each stage shows in MLflow: one run per stage, made from a package."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import Dataset, DatasetInput, InputTag

from taskzoo.files import digest_file, digest_folder, digest_json
from taskzoo.probe.storage import load_record
from taskzoo.registry.layout import FIGURES
from taskzoo.registry.package import Package
from taskzoo.registry.runs import StageRun
from taskzoo.search.metrics import measured_costs
from taskzoo.search.results import Trial

DATASET_DIGEST_LENGTH = 36  # MLflow's limit.

Points = list[tuple[str, float, int]]


def stage_runs(package: Package) -> list[StageRun]:
    """Return the runs of all stages before packaging, in their order."""
    return [
        _dataset(package),
        _validate(package),
        _train(package),
        _fisher(package),
        _distances(package),
        _search(package),
    ]


def package_run(package: Package) -> StageRun:
    """Return the run that shows the whole package and brings forth its model."""
    card = package.card
    return StageRun(
        stage="package",
        key=card.name,
        digest=package.digest,
        title=f"package {card.name}",
        params=identity(package) | {"finalist": package.network.finalist},
        metrics=[(name, value, 0) for name, value in sorted(package.metrics.items())],
        inputs=[_lineage(package, "test")],
        files=package.folder / FIGURES,
    )


def report_run(folder: Path) -> StageRun:
    """Return the run that shows a report's figures and tables."""
    return StageRun(stage="report", key="zoo", digest=digest_folder(folder), title="report", files=folder.resolve())


def identity(package: Package) -> dict[str, str]:
    """Return what a package is found by; the tags of its model and model version."""
    card = package.card
    return {
        "task": card.name,
        "task_digest": card.task_digest,
        "dataset": card.dataset.name,
        "dataset_digest": card.dataset.digest,
        "fingerprint": card.fingerprint,
        "package_digest": package.digest,
        "schema": str(card.schema_version),
        "classes": str(len(card.classes)),
        "backbone": card.probe.backbone,
        "synthetic": str(card.synthetic or card.dataset.synthetic).lower(),
    }


def distance_points(package: Package) -> Points:
    """Return every distance's values, one step for each repeat, named ``<measure>.<source>``."""
    return [
        (f"{measure}.{source}", value, repeat)
        for measure, sources in sorted(package.distances.values.items())
        for source, values in sorted(sources.items())
        for repeat, value in enumerate(values)
    ]


def reference_points(package: Package) -> Points:
    """Return what the distances are read by: the target itself trained anew, and its labels permuted."""
    return [
        (f"reference.{kind}.{measure}", value, repeat)
        for measure, found in sorted(package.distances.references.items())
        for kind, values in (("itself", found.itself), ("chance", found.chance))
        for repeat, value in enumerate(values)
    ]


def _lineage(package: Package, context: str) -> DatasetInput:
    """Return MLflow's entry for the data set that a run read."""
    manifest = package.card.dataset
    source = CodeDatasetSource(tags=manifest.source.model_dump())
    dataset = Dataset(
        name=manifest.name,
        digest=manifest.digest[:DATASET_DIGEST_LENGTH],
        source_type="code",
        source=source.to_json(),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def _dataset(package: Package) -> StageRun:
    manifest = package.card.dataset
    counts = {f"images.{split}": float(sum(classes.values())) for split, classes in sorted(manifest.counts.items())}
    return StageRun(
        stage="dataset",
        key=manifest.name,
        digest=manifest.digest,
        title=f"dataset {manifest.name}",
        params={
            "classes": len(manifest.classes),
            "channels": manifest.channels,
            "groups": manifest.groups,
            **{f"source.{key}": value for key, value in manifest.source.model_dump().items()},
        },
        metrics=[(name, value, 0) for name, value in counts.items()],
        inputs=[_lineage(package, "source")],
    )


def _validate(package: Package) -> StageRun:
    card = package.card
    return StageRun(
        stage="validate",
        key=card.dataset.name,
        digest=digest_json([card.dataset.digest, card.validation]),
        title=f"validate {card.dataset.name}",
        params=card.validation,
        metrics=[
            ("expectations", float(len(card.validation)), 0),
            ("expectations.met", float(sum(card.validation.values())), 0),
        ],
        inputs=[_lineage(package, "validation")],
    )


def _train(package: Package) -> StageRun:
    card = package.card
    records = [load_record(package.probe(repeat)) for repeat in range(package.repeats)]
    points: Points = [("accuracy", value, repeat) for repeat, value in enumerate(card.train.accuracies)]
    for record in records:
        points += [(f"loss.repeat-{record.repeat}", loss, step) for step, loss in enumerate(record.curve)]
    return StageRun(
        stage="train",
        key=card.name,
        digest=_digest_files(package, "probe-*.safetensors"),
        title=f"train {card.name}",
        params={
            "fingerprint": card.fingerprint,
            "classes": len(card.classes),
            "repeats": package.repeats,
            "eps": card.train.eps,
            "reached": card.train.reached,
            **{f"probe.{key}": value for key, value in card.probe.model_dump().items()},
            **{f"sizes.{key}": value for key, value in card.sizes.model_dump().items()},
        },
        metrics=points,
        inputs=[_lineage(package, "training")],
    )


def _fisher(package: Package) -> StageRun:
    return StageRun(
        stage="fisher",
        key=package.card.name,
        digest=_digest_files(package, "fisher-*.safetensors"),
        title=f"fisher {package.card.name}",
        params={"fingerprint": package.card.fingerprint, "repeats": package.repeats},
        metrics=[("trace", trace, repeat) for repeat, trace in enumerate(package.traces)],
        inputs=[_lineage(package, "fisher")],
    )


def _distances(package: Package) -> StageRun:
    distances = package.distances
    return StageRun(
        stage="distances",
        key=package.card.name,
        digest=digest_file(package.folder / "distances.json"),
        title=f"distances to {package.card.name}",
        params={
            "ranked_by": distances.ranked_by,
            **{
                f"{measure}.lower_is_closer": facts.lower_is_closer
                for measure, facts in sorted(distances.facts.items())
            },
        },
        metrics=distance_points(package) + reference_points(package),
    )


def _search(package: Package) -> StageRun:
    trials = [trial.model_dump(mode="json") for trial in package.search.trials]
    return StageRun(
        stage="search",
        key=package.card.name,
        digest=digest_json([package.card.task_digest, trials]),
        title=f"search {package.card.name}",
        params={
            "trials": len(trials),
            "elites": len(package.elites.elites),
            "space": package.search.kind,
            **({"trunk": package.search.backbone} if package.search.kind == "cells" else {}),
        },
        metrics=list(_best_so_far(package.search.trials)),
        children=[_trial(package, trial) for trial in package.search.trials],
    )


def _best_so_far(trials: Sequence[Trial]) -> Iterator[tuple[str, float, int]]:
    """Yield each search's best reward after each of its trials."""
    best: dict[str, float] = defaultdict(lambda: -math.inf)
    for trial in sorted(trials, key=lambda trial: trial.number):
        search = f"best.{trial.arm}.{trial.strategy}.seed-{trial.seed}"
        best[search] = max(best[search], trial.reward)
        yield search, best[search], trial.number


def _trial(package: Package, trial: Trial) -> StageRun:
    facts = trial.model_dump(mode="json")
    return StageRun(
        stage="trial",
        key=package.card.name,
        digest=digest_json([package.card.task_digest, facts]),
        title=f"{trial.arm} {trial.strategy} {trial.seed}.{trial.number}",
        params={
            "arm": trial.arm,
            "strategy": trial.strategy,
            "seed": trial.seed,
            "number": trial.number,
            **{f"architecture.{decision}": option for decision, option in trial.architecture.items()},
        },
        metrics=[
            ("reward", trial.reward, 0),
            ("accuracy", trial.accuracy, 0),
            *((cost, value, 0) for cost, value in measured_costs(trial).items()),
        ],
    )


def _digest_files(package: Package, pattern: str) -> str:
    return digest_json([digest_file(path) for path in sorted(package.folder.glob(pattern))])
