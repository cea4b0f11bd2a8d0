"""The names that params.yaml may hold, and what every section of it is."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

MeasureName = Literal[
    "ftd",
    "ftd_reference_squared",
    "ftd_layerwise",
    "fisher_relative",
    "logdet",
    "ridge_loo",
    "lfc",
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
    "vanishing_points",
    "room_layout",
    "autoencoding",
    "denoising",
    "inpainting",
    "colorization",
    "jigsaw",
]


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
