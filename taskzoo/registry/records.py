"""What a package's JSON files hold."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from taskzoo.data.store import Manifest
from taskzoo.params import Name, ProbeParams, SizeParams, TaskParams, check_name

# What MLflow takes as the name of a metric.
MetricName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./ -]{0,199}$")]

SCHEMA: Literal[2] = 2  # Of packages; versions of another are not found.


class Record(BaseModel):
    """A part of a package's JSON file: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TrainRecord(Record):
    """How well the task's probes learned it.

    Attributes:
        accuracies: On the validation images in [0, 1], one for each repeat; of a dense target skills.
        eps: A probe counts as an approximation network at 1 - eps.
        reached: Whether every repeat does.
    """

    accuracies: tuple[float, ...]
    eps: float
    reached: bool


class TaskCard(Record):
    """The identity of a task and of all that was computed for it.

    Attributes:
        name: The task's name.
        dataset: The manifest of the data set that the task was made of.
        validation: Whether each expectation on the data set held.
        labels: The map from the data set's classes to the task's, or its dense target.
        task_digest: Digest of the task's images and label map.
        classes: The task's classes, in the order of the outputs; none where there is a target for every pixel.
        sizes: Images asked of each split.
        probe: Backbone and input form.
        fingerprint: What two packages must share to be comparable.
        train: How well the probes learned.
        synthetic: Whether the task was made up, for a benchmark of the registry; its images may be where it was not.
    """

    schema_version: Literal[2] = SCHEMA
    name: Name
    dataset: Manifest
    validation: dict[str, bool]
    labels: TaskParams
    task_digest: str
    classes: tuple[str, ...]
    sizes: SizeParams
    probe: ProbeParams
    fingerprint: str
    train: TrainRecord
    synthetic: bool = False

    @model_validator(mode="after")
    def _dataset_has_a_name(self) -> "TaskCard":
        check_name(self.dataset.name)
        return self
