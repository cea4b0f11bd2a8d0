"""The whole of params.yaml as typed models: one section a stage, unknown keys refused."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from taskzoo.errors import InputError
from taskzoo.params.data import DatasetParams, SizeParams, SplitParams, TaskParams
from taskzoo.params.names import (
    CostName,
    MeasureName,
    Name,
    SearchedName,
    Section,
    SpaceName,
    StrategyName,
    TargetName,
    check_name,
)
from taskzoo.params.probe import DistanceParams, FisherParams, ProbeParams, TrainParams
from taskzoo.params.recommend import CompareParams, RecommendParams
from taskzoo.params.search import (
    SUPERNETS,
    AccuracyReward,
    CellsParams,
    DecodersParams,
    FinalParams,
    FloorReward,
    LimitReward,
    MixedReward,
    NASBench201Params,
    RewardParams,
    SearchParams,
    SoftLimitReward,
    StagesParams,
)

__all__ = [
    "SUPERNETS",
    "AccuracyReward",
    "CellsParams",
    "CompareParams",
    "CostName",
    "DatasetParams",
    "DecodersParams",
    "DistanceParams",
    "FinalParams",
    "FisherParams",
    "FloorReward",
    "LimitReward",
    "MeasureName",
    "MixedReward",
    "NASBench201Params",
    "Name",
    "Params",
    "ProbeParams",
    "RecommendParams",
    "RewardParams",
    "SearchParams",
    "SearchedName",
    "Section",
    "SizeParams",
    "SoftLimitReward",
    "SpaceName",
    "SplitParams",
    "StagesParams",
    "StrategyName",
    "TargetName",
    "TaskParams",
    "TrainParams",
    "check_name",
    "describe",
    "load_params",
    "parse_params",
]


class Params(Section):
    """All of params.yaml."""

    seed: int = 0
    datasets: dict[Name, DatasetParams] = Field(min_length=1)
    tasks: dict[Name, TaskParams] = Field(min_length=1)
    split: SplitParams = SplitParams()
    sizes: SizeParams = SizeParams()
    probe: ProbeParams = ProbeParams()
    train: TrainParams = TrainParams()
    fisher: FisherParams = FisherParams()
    distance: DistanceParams = DistanceParams()
    search: SearchParams = SearchParams()
    recommend: RecommendParams = RecommendParams()
    compare: CompareParams = CompareParams()

    @model_validator(mode="after")
    def _names_agree(self) -> "Params":
        for name, task in self.tasks.items():
            if task.dataset not in self.datasets:
                known = ", ".join(sorted(self.datasets))
                raise ValueError(f"tasks.{name}.dataset is {task.dataset!r}; expected one of datasets: {known}")
            if unmeasured := self.unmeasured(task):
                raise ValueError(f"tasks.{name}: {unmeasured}")
        return self

    def unmeasured(self, task: TaskParams) -> str:
        """Return why the sources of a task cannot be ranked; nothing where they can."""
        ranks = self.recommend.ranks(task)
        if ranks in self.distance.measures:
            return ""
        key = "measure" if task.target is None else "dense_measure"
        return f"recommend.{key} is {ranks!r}; expected one of distance.measures"


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check a params file.

    Args:
        path: The YAML file.

    Returns:
        The checked parameters.

    Raises:
        InputError: If the file is missing, is not YAML, or a field is unknown, missing, wrong or out of range.
    """
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist; expected the parameters of the zoo; run from the project's folder."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise InputError(f"{path} is not YAML ({where}); expected one section per stage; mend that line.") from error
    return parse_params(raw, str(path))


def parse_params(raw: Any, origin: str) -> Params:
    """Check parameters already read.

    Args:
        raw: What YAML gave.
        origin: The file's name, for messages.

    Returns:
        The checked parameters.

    Raises:
        InputError: If a field is unknown, missing, of a wrong type or out of range.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{origin}: {describe(error)}; mend it and run the same command again.") from error


def describe(error: ValidationError) -> str:
    """Tell the first problem of a validation error, with field, finding and expectation, in one clause."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"the key {field!r} is unknown; expected only documented keys, so check its spelling{more}"
    if first["type"] == "missing":
        return f"the key {field!r} is missing; expected a value{more}"
    if first["type"] == "value_error":
        message = first["msg"].removeprefix("Value error, ")
        return f"{message}{more}" if not first["loc"] else f"{field}: {message}{more}"
    return f"{field} is {first['input']!r}; expected: {first['msg']}{more}"
