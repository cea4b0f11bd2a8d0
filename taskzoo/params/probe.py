"""The probe, its training, its Fisher and the measures taken from it."""

from typing import Literal

from pydantic import Field

from taskzoo.params.names import MeasureName, Section


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
            "lfc",
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
