"""The registered model of a task: a servable model with numbers, and a version that is found by its tags."""

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Map
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

import taskzoo
from taskzoo.distance.appearance import sketch
from taskzoo.probe.dense_forms import DenseRecord, NumberForm
from taskzoo.registry.connection import Connection
from taskzoo.registry.description import describe_package, example_image, headline
from taskzoo.registry.index import SKETCH
from taskzoo.registry.package import Package
from taskzoo.registry.runs import checked_tags, every_page, now_ms
from taskzoo.registry.stages import distance_points, identity, reference_points

CHAMPION = "champion"
ARTIFACT = "package"
SERVING = Path(__file__).with_name("serving.py")
IMAGE = Schema([ColSpec(DataType.binary, "image")])
CLASSES = ModelSignature(
    inputs=IMAGE,
    outputs=Schema(
        [
            ColSpec(DataType.string, "label"),
            ColSpec(DataType.double, "probability"),
            ColSpec(Map(DataType.double), "probabilities"),
        ]
    ),
)
PIXELS = ModelSignature(
    inputs=IMAGE,
    outputs=Schema([ColSpec(DataType.binary, "image"), ColSpec(Array(Array(Array(DataType.double))), "values")]),
)
NUMBERS = ModelSignature(inputs=IMAGE, outputs=Schema([ColSpec(Array(DataType.double), "values")]))
# What serving.py imports, directly or through the rooms below it.
REQUIREMENTS = (
    "mlflow", "torch", "torchvision", "timm", "safetensors", "pydantic", "numpy", "scipy", "pandas",
    "pyarrow", "pillow", "pyyaml", "rich", "optuna", "scikit-learn",
)  # fmt: skip


def find_version(connection: Connection, package: Package) -> ModelVersion | None:
    """Return the newest version that holds this package, if there is one."""
    wanted = f"name = '{package.card.name}' and tags.package_digest = '{package.digest}'"
    found = connection.client.search_model_versions(wanted, order_by=["version_number DESC"])
    return found[0] if found else None


def create_version(connection: Connection, package: Package, run_id: str) -> ModelVersion:
    """Log a package's model, and make a version of it under the task's name.

    Args:
        connection: Held for writing.
        package: What to register.
        run_id: The package's run.

    Returns:
        The new version.

    Raises:
        MlflowException: If the store fails.
    """
    client, name = connection.client, package.card.name
    tags = identity(package)
    model = _find_model(connection, package) or _log_model(connection, package, run_id, tags)
    try:
        client.create_registered_model(name, description=f"The vision task {name} of a taskzoo.")
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    created = client.create_model_version(
        name,
        source=model.artifact_location,
        run_id=run_id,
        tags=tags | {SKETCH: sketch(package.appearance)},
        description=describe_package(package),
        model_id=model.model_id,
    )
    link = [{"name": name, "version": created.version}]
    client.set_logged_model_tags(model.model_id, {MLFLOW_MODEL_VERSIONS: json.dumps(link)})
    return created


def set_champion(connection: Connection, found: ModelVersion, package: Package) -> None:
    """Let the alias ``champion`` point to this version, and show its headline in the list of models."""
    registered = connection.client.get_registered_model(found.name)
    if str(registered.aliases.get(CHAMPION)) != str(found.version):
        connection.client.set_registered_model_alias(found.name, CHAMPION, found.version)
    for key, value in headline(package).items():
        if registered.tags.get(key) != value:
            connection.client.set_registered_model_tag(found.name, key, value)


def _find_model(connection: Connection, package: Package) -> LoggedModel | None:
    """Return this package's finished logged model; one that a killed registration left is marked failed."""
    wanted = f"tags.package_digest = '{package.digest}'"
    for model in every_page(
        lambda token: connection.client.search_logged_models([connection.experiment_id], wanted, page_token=token)
    ):
        if model.status == LoggedModelStatus.READY:
            return model
        if model.status == LoggedModelStatus.PENDING:
            connection.client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
    return None


def _log_model(connection: Connection, package: Package, run_id: str, tags: dict[str, str]) -> LoggedModel:
    """Return the new servable model, with its numbers; it is ready only when all of it is stored."""
    client = connection.client
    model = client.create_logged_model(
        connection.experiment_id, package.card.name, run_id, tags=checked_tags(tags), model_type="taskzoo"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        content = Path(folder) / ARTIFACT  # MLflow keeps it under the name that it has here.
        shutil.copytree(package.folder, content)
        mlflow.pyfunc.save_model(
            path,
            python_model=str(SERVING),
            artifacts={ARTIFACT: str(content)},
            signature=_signature(package.network.pixels),
            input_example=pd.DataFrame({"image": [example_image(package)]}),
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            code_paths=[str(Path(taskzoo.__file__).parent)],
            mlflow_model=Model(
                artifact_path=model.artifact_location,
                model_uuid=model.model_id,
                run_id=run_id,
                model_id=model.model_id,
            ),
        )
        client.log_model_artifacts(model.model_id, path)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.log_batch(run_id, metrics=_model_metrics(package, model.model_id, run_id))
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _signature(pixels: DenseRecord | None) -> ModelSignature:
    """Return what a served model takes and answers."""
    if pixels is None:
        return CLASSES
    return NUMBERS if isinstance(pixels.form(), NumberForm) else PIXELS


def _model_metrics(package: Package, model_id: str, run_id: str) -> list[Metric]:
    """Return the numbers that models are sorted and filtered by, and the distances of each repeat."""
    points = [(name, value, 0) for name, value in sorted(package.metrics.items())]
    points.append(("fisher_trace", sum(package.traces) / len(package.traces), 0))
    for measure, sources in sorted(package.distances.values.items()):
        for source, values in sorted(sources.items()):
            series = pd.Series(values)
            points.append((f"distance.{measure}.{source}", float(series.mean()), 0))
            points.append((f"distance.{measure}.{source}.std", float(series.std(ddof=1)), 0))
    points += [(f"repeats.{name}", value, repeat) for name, value, repeat in distance_points(package)]
    points += reference_points(package)
    now = now_ms()
    return [Metric(name, value, now, step, model_id, run_id=run_id) for name, value, step in points]
