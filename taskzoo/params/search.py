"""The architecture search: spaces, strategies, costs, and the training of what is chosen."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from taskzoo.params.names import CostName, Section, SpaceName, StrategyName

SUPERNETS: tuple[StrategyName, ...] = ("snas", "one_shot", "en2as")
"""Strategies that train one network of all options, which the space must have."""


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


class SoftLimitReward(Section):
    """The accuracy, less what a cost is above a limit: it leads back where nearly all networks are above."""

    kind: Literal["soft_limit"]
    cost: CostName
    limit: float = Field(gt=0, description="What is below it costs nothing.")
    weight: float = Field(1.0, gt=0, description="Accuracy that twice the limit costs.")


class FloorReward(Section):
    """The cheapness of what is accurate enough."""

    kind: Literal["floor"]
    cost: CostName
    reference: float = Field(gt=0, description="The cost that counts as 1; more counts no more.")
    accuracy: float = Field(ge=0, le=1, description="What is below it earns nothing.")


RewardParams = Annotated[
    AccuracyReward | MixedReward | LimitReward | SoftLimitReward | FloorReward, Field(discriminator="kind")
]


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
