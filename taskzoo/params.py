"""The whole of params.yaml as typed models: one section a stage, unknown keys refused."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from taskzoo.errors import InputError

MeasureName = Literal[
    "ftd",
    "ftd_reference_squared",
    "ftd_layerwise",
    "fisher_relative",
    "logdet",
    "ridge_loo",
    "fisher_kernel",
    "unlikeness",
    "pixel_unlikeness",
]
SpaceName = Literal["cells", "stages", "models", "nasbench201"]
SearchedName = Literal[SpaceName, "decoders"]  # Decoders are of dense targets alone.
FormatName = Literal["folder", "parquet", "npz", "torchvision", "digits", "mnist5k", "taskonomy", "rooms", "meshes"]
StrategyName = Literal[
    "random", "evolution", "tpe", "nsga2", "monas", "naswot", "area", "fuse", "snas", "one_shot", "en2as"
]
CostName = Literal["parameters", "macs", "memory", "latency", "energy", "peak_power"]
TargetName = Literal[
    "depth_euclidean",
    "depth_zbuffer",
    "edge_occlusion",
    "edge_texture",
    "keypoints2d",
    "keypoints3d",
    "normal",
    "principal_curvature",
    "reshading",
    "segment_semantic",
    "segment_unsup2d",
    "segment_unsup25d",
    "class_object",
    "class_scene",
    "autoencoding",
    "denoising",
    "inpainting",
    "colorization",
    "jigsaw",
]
FORMAT_OPTIONS = {
    "domains": ("taskonomy",),
    "split_file": ("taskonomy",),
    "views": ("taskonomy", "rooms", "meshes"),
    "rooms": ("rooms",),
    "image_size": ("rooms", "meshes"),
    "seed": ("rooms", "meshes"),
}

SUPERNETS: tuple[StrategyName, ...] = ("snas", "one_shot", "en2as")
"""Strategies that train one network of all options, which the space must have."""


def check_name(name: str) -> str:
    """Return ``name`` if it can name a task, a data set, a folder and a registered model.

    Args:
        name: The wanted name.

    Returns:
        The same name.

    Raises:
        ValueError: If it is empty, longer than 60 characters or holds anything but a-z, A-Z, 0-9, '-' and '_'.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name):
        raise ValueError(
            f"the name {name!r} is not usable; expected 1 to 60 letters, digits, '-' or '_', "
            "beginning with a letter or digit; choose another"
        )
    return name


Name = Annotated[str, AfterValidator(check_name)]


class Section(BaseModel):
    """A part of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetParams(Section):
    """Where one data set's images come from."""

    path: str = Field(
        description="File or folder to read; DVC watches it. Embedded sets name the module that reads them."
    )
    format: FormatName | None = Field(
        None, description="How to read it; found from the path when left out, except taskonomy, rooms and meshes."
    )
    name: str | None = Field(None, description="torchvision's class name, for format torchvision.")
    group: str | None = Field(
        None,
        description="Regular expression with one group, matched on image paths: what it catches stays in one split.",
    )
    max_per_class: int | None = Field(
        None, ge=1, description="Keep at most so many images a class, chosen by content hash."
    )
    domains: list[TargetName] | None = Field(
        None, description="Targets to read, for format taskonomy; all that the folder holds when left out."
    )
    split_file: str | None = Field(
        None,
        description="Taskonomy's train_val_test_*.csv: names each building's split; others are left out.",
    )
    views: int | None = Field(
        None,
        ge=1,
        description="At most so many views a building (taskonomy); views a room or mesh, 10 when left out.",
    )
    rooms: int = Field(30, ge=3, description="Synthetic rooms, for format rooms; each stays in one split.")
    image_size: int = Field(64, ge=16, le=512, description="Pixels a side, for formats rooms and meshes.")
    seed: int = Field(0, description="Of the rooms, cameras and colours, for formats rooms and meshes.")

    @model_validator(mode="after")
    def _options_are_of_the_format(self) -> "DatasetParams":
        for field in sorted(self.model_fields_set & set(FORMAT_OPTIONS)):
            if self.format not in FORMAT_OPTIONS[field]:
                formats = " or ".join(FORMAT_OPTIONS[field])
                raise ValueError(f"{field} is set and format is {self.format}; expected format {formats}; drop {field}")
        unused = sorted(self.model_fields_set & {"group", "max_per_class"})
        if self.format in {"taskonomy", "rooms", "meshes"} and unused:
            raise ValueError(f"{unused[0]} is set, which format {self.format} does not use; drop it")
        return self


class SplitParams(Section):
    """Shares of the images (or groups) that a source without splits of its own gives to each split."""

    val: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leave_something(self) -> "SplitParams":
        if self.val + self.test >= 1:
            raise ValueError(
                f"val + test is {self.val + self.test:g}; expected less than 1, so that train is not empty"
            )
        return self


class TaskParams(Section):
    """One task over a data set: a map from the data set's classes to the task's, or a domain to predict."""

    dataset: Name
    groups: dict[str, list[str | int]] | None = Field(
        None, description="Task class -> data set classes. Left out: every data set class is a task class."
    )
    rest: str | None = Field(
        None, description="Name of one more class holding all other images; left out, they are dropped."
    )
    # Left out of what is written where it is not set: packages of classification tasks keep their digests.
    target: TargetName | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="A domain to predict from the image, in place of classes.",
    )

    @model_validator(mode="after")
    def _classes_or_target(self) -> "TaskParams":
        if self.target is not None and (self.groups is not None or self.rest is not None):
            raise ValueError(f"target is {self.target!r} beside groups or rest; expected either; drop one")
        return self


class SizeParams(Section):
    """At most how many images a task takes from each split, every class equally often."""

    train: int = Field(2000, ge=4)
    val: int = Field(400, ge=4)
    test: int = Field(1000, ge=4)


class ProbeParams(Section):
    """The network whose Fisher is taken: one backbone and one initial state for the whole zoo."""

    backbone: str = Field("test_resnet", description="Any timm name.")
    weights: str | None = Field(
        None,
        description="A safetensors file, 'timm' for timm's pretrained weights, or left out for random ones.",
    )
    image_size: int = Field(32, ge=8, le=1024, description="Pixels a side.")
    mean: float = Field(0.5, description="Subtracted from pixels in [0, 1], all channels alike.")
    std: float = Field(0.5, gt=0, description="Divides what is left.")
    seed: int = Field(0, description="Of the random initial state.")


class TrainParams(Section):
    """How a probe is trained from the initial state."""

    repeats: int = Field(3, ge=2, description="Trainings per task that differ in their seed.")
    steps: int = Field(100, ge=1)
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    batch_norm: Literal["train", "frozen"] = Field(
        "train", description="Frozen keeps the initial state's statistics and affine weights."
    )
    eps: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="A probe counts as an approximation network at 1 - eps validation accuracy.",
    )


class FisherParams(Section):
    """How each source's network is observed on each target's images."""

    images: int = Field(128, ge=2, description="Held-out (validation) images whose gradients are squared.")
    head_images: int = Field(
        300, ge=4, description="Training images on which a head is fitted to the source's features."
    )
    kernel_images: int = Field(
        100, ge=4, description="Of those, images between which inner products of gradients are taken."
    )
    labels: Literal["data", "model", "expected"] = Field(
        "data",
        description="Empirical Fisher; labels drawn from the network's own prediction; or all, by their probability.",
    )
    batch_size: int = Field(32, ge=1)


class DistanceParams(Section):
    """Which measures are computed."""

    measures: list[MeasureName] = Field(
        [
            "fisher_kernel",
            "ridge_loo",
            "unlikeness",
            "pixel_unlikeness",
            "ftd",
            "ftd_reference_squared",
            "ftd_layerwise",
            "fisher_relative",
            "logdet",
        ],
        min_length=1,
    )


class FinalParams(Section):
    """The training of the chosen network, all weights, before its one test."""

    steps: int = Field(150, ge=2)
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(2e-3, gt=0, description="At the end of the warm-up; trunk included.")
    weight_decay: float = Field(0.05, ge=0, description="Not of biases and normalisation.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps.")
    batch_norm: Literal["train", "frozen"] = Field(
        "train", description="frozen keeps the statistics that layers have; for trained backbones and small batches."
    )
    average: float = Field(0.99, ge=0, lt=1, description="Memory of the moving average of the weights, in the end.")
    smoothing: float = Field(0.1, ge=0, lt=1, description="Of labels.")
    shift: float = Field(0.125, ge=0, lt=1, description="Images are moved by up to this share of their side.")
    mirror: bool = Field(False, description="Mirror half of the images; not for digits, letters or left hands.")
    erase: float = Field(0.1, ge=0, le=1, description="Share of the images of which a part is erased.")
    mix: float = Field(0.0, ge=0, description="Mixup's alpha; 0 mixes no images.")


class CellsParams(Section):
    """Cells on the probe's trained trunk: which of its levels to read, and an operation on each edge of the cell."""

    nodes: int = Field(4, ge=2, le=6, description="Nodes of a cell.")
    width: int = Field(32, ge=4, le=4096, description="Channels of a cell.")


class DecodersParams(Section):
    """Decoders on the probe's trained trunk, for dense targets: maps to use, an operation on each, how to enlarge."""

    width: int = Field(16, ge=4, le=4096, description="Channels of a decoder.")


class StagesParams(Section):
    """Networks from random weights: depth, width, group size, kernel and block of each stage."""

    count: int = Field(3, ge=2, le=4, description="Stages.")
    width: int = Field(
        16, ge=16, le=512, multiple_of=16, description="Channels of the stem and of the narrowest first stage."
    )


class NASBench201Params(Section):
    """The 15,625 networks of NAS-Bench-201, from random weights: an operation on each edge of the cell."""

    cells: int = Field(5, ge=1, le=20, description="Cells a stage; 5 as published, fewer train faster.")
    width: int = Field(16, ge=4, le=512, description="Channels of the first stage; 16 as published.")


class AccuracyReward(Section):
    """The validation accuracy alone."""

    kind: Literal["accuracy"] = "accuracy"


class MixedReward(Section):
    """Accuracy and a cost in one sum."""

    kind: Literal["mixed"]
    cost: CostName
    reference: float = Field(gt=0, description="The cost that counts as 1; more counts no more.")
    weight: float = Field(0.5, ge=0, le=1, description="Of the accuracy; the cost has the rest.")


class LimitReward(Section):
    """The accuracy of what stays below a hard limit."""

    kind: Literal["limit"]
    cost: CostName
    limit: float = Field(gt=0, description="What is not below it earns nothing.")


class FloorReward(Section):
    """The cheapness of what is accurate enough."""

    kind: Literal["floor"]
    cost: CostName
    reference: float = Field(gt=0, description="The cost that counts as 1; more counts no more.")
    accuracy: float = Field(ge=0, le=1, description="What is below it earns nothing.")


RewardParams = Annotated[AccuracyReward | MixedReward | LimitReward | FloorReward, Field(discriminator="kind")]


class SearchParams(Section):
    """The architecture search of every task."""

    space: SpaceName = Field("cells", description="What is searched; the section or list of that name is its size.")
    cells: CellsParams = CellsParams()
    decoders: DecodersParams = Field(DecodersParams(), description="Of every dense target, whatever ``space`` says.")
    stages: StagesParams = StagesParams()
    models: list[str] = Field(
        ["test_resnet", "test_efficientnet", "test_byobnet", "test_convnext3"],
        description="Whole networks by timm name; the probe's own begins with its weights.",
    )
    nasbench201: NASBench201Params = NASBench201Params()
    strategies: list[StrategyName] = Field(["random", "fuse"], min_length=1)
    reward: RewardParams = Field(AccuracyReward(), description="What searches maximise, and the best are best by.")
    costs: list[CostName] = Field(
        ["macs"],
        min_length=1,
        description="What is measured of every candidate beside accuracy, parameters and macs, and what nsga2 "
        "minimises: memory in bytes, latency in milliseconds, energy in joules, peak_power in watts.",
    )
    seeds: int = Field(2, ge=2, description="Independent searches per strategy.")
    trials: int = Field(8, ge=2, description="Architectures a search may evaluate.")
    steps: int = Field(40, ge=1, description="Training steps per evaluated architecture.")
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(3e-3, gt=0)
    explore: float = Field(
        0.25, ge=0, lt=1, description="Of the trials of a narrowed search, the share that looks at the whole space."
    )
    elites: int = Field(4, ge=1, description="Best architectures kept for later searches to learn from.")
    confirmations: int = Field(
        0, ge=0, description="Further trainings, of other seeds, of every elite: the best of many may just be lucky."
    )
    final: FinalParams = FinalParams()

    @property
    def trainings(self) -> int:
        """Return the candidate trainings of all searches of one space."""
        return len(self.strategies) * self.seeds * self.trials

    @model_validator(mode="after")
    def _reward_is_measured(self) -> "SearchParams":
        cost = getattr(self.reward, "cost", "macs")
        if cost not in {"parameters", "macs", *self.costs}:
            raise ValueError(f"reward.cost is {cost!r}, which is not measured; add it to search.costs")
        return self

    @model_validator(mode="after")
    def _the_space_serves(self) -> "SearchParams":
        unserved = [name for name in self.strategies if name in SUPERNETS]
        if self.space in ("models", "stages") and unserved:
            raise ValueError(
                f"strategies has {', '.join(unserved)}, which trains one network of all options, and the networks of "
                f"space {self.space} share nothing; expected space cells or nasbench201, or other strategies"
            )
        return self

    def unserved(self, task: "TaskParams") -> str:
        """Return why a task cannot be searched so; empty where it can."""
        names = [name for name in self.strategies if name in SUPERNETS]
        if task.target is None or not names:
            return ""
        return (
            f"target is {task.target} and search.strategies has {', '.join(names)}, which does not serve decoders; "
            "expected other strategies beside a dense target"
        )


class RecommendParams(Section):
    """How sources are ranked and when none is recommended."""

    measure: MeasureName = "fisher_kernel"
    likeness: float = Field(
        1.0, ge=0, description="Weight of how alike the images look, beside the measure's; both in standard deviations."
    )
    confidence: float = Field(0.8, gt=0.5, lt=1, description="Needed probability that a source beats no transfer.")
    sources: int = Field(3, ge=1, description="At most how many sources narrow the search.")
    shortlist: int = Field(
        32, ge=1, description="How many tasks of a larger zoo are measured: those whose images look most alike."
    )
    keep: float = Field(0.15, ge=0, lt=1, description="Options below this share of the sources' elites are cut away.")


class CompareParams(Section):
    """Few-shot fine-tuning from the recommended source beside its controls."""

    images_per_class: int = Field(10, ge=2)
    steps: int = Field(40, ge=1)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    draws: int = Field(3, ge=2, description="Repetitions with new images and a new seed.")


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
            unserved = self.search.unserved(task)
            if unserved:
                raise ValueError(f"tasks.{name}: {unserved}")
        if self.recommend.measure not in self.distance.measures:
            raise ValueError(f"recommend.measure is {self.recommend.measure!r}; expected one of distance.measures")
        return self


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
