"""Every target, in one table: its file, its range for a network, its likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from taskzoo.data.dense import encodings, recipes
from taskzoo.data.dense.classes import OBJECTS, SCENES
from taskzoo.data.dense.encodings import FULL, Encoding, Values
from taskzoo.data.dense.recipes import Example, Pixels
from taskzoo.data.dense.segmentation import boundaries
from taskzoo.params import TargetName

Likelihood = Literal["gaussian", "laplace", "categorical"]

# Taskonomy's constants for a network's range.
STRONGEST_OCCLUSION = 0.00625
STRONGEST_TEXTURE = 0.08
STRONGEST_KEYPOINT = 0.005
BLUR = 4 / 256  # of the side
CURVATURE_MEANS = np.array([123.572, 120.1])[:, None, None]
CURVATURE_SPREADS = np.array([31.922, 21.658])[:, None, None]
# Of the nine numbers of a room's layout: the box's centre, the camera's angles, the box's sizes.
LAYOUT_MEANS = np.array([0.0061, 0.0103, -3.1359, 1.5604, 0.0001, -1.5669, 5.6229, 4.0828, 2.7714])[:, None, None]
LAYOUT_SPREADS = np.array([0.8669, 0.6879, 2.0805, 0.1963, 0.0147, 0.4184, 3.9918, 2.7035, 1.2269])[:, None, None]
SEMANTIC_CLASSES = 17


@dataclass(frozen=True)
class Domain:
    """What can be asked of every pixel, or of the whole image.

    A data set that holds the domain's file gives the target; another one's images give it by the recipe.

    Attributes:
        name: Of the domain, as Taskonomy's folders have it where there is one.
        channels: C of a target.
        likelihood: That suits its errors; Taskonomy trains L1 (laplace), L2 (gaussian) or cross-entropy.
        classes: Of a categorical target, which holds class numbers in one channel, or a share of each class.
        encoding: Of its file.
        by_depth: Whether it has no value where the depth of the same view is missing.
        scale: File values [C, H, W] to the range that a network is given.
        recipe: From pixels [H, W, 3] and the image's own seed.
    """

    name: TargetName
    channels: int
    likelihood: Likelihood
    classes: int | None = None
    encoding: Encoding | None = None
    by_depth: bool = False
    scale: Callable[[Values], Values] = lambda values: values
    recipe: Callable[[Pixels, int], Example] | None = None

    @property
    def whole(self) -> bool:
        """Whether files tell of whole images; what is computed of them is of a class alone."""
        return self.encoding is not None and self.encoding.whole

    def __reduce__(self) -> tuple[Callable[[str], "Domain"], tuple[str]]:
        """Travel to other processes by name: functions without one cannot."""
        return _named, (self.name,)


def _named(name: str) -> Domain:
    return DOMAINS[name]


def _log_depth(metres: Values) -> Values:
    """Return log(1 + v) / log 65536 of v in 1/512 m: in [0, 1]."""
    logarithms: Values = np.log1p(metres * encodings.DEPTH_UNITS) / np.log(FULL + 1)
    return logarithms


def _occlusion(values: Values) -> Values:
    """Return edges with 0.00625 at 1 and none at -1, not clipped, blurred by 4 pixels of 256."""
    signed = values / STRONGEST_OCCLUSION * 2 - 1
    blurred: Values = gaussian_filter(signed, (0, BLUR * values.shape[1], BLUR * values.shape[2]), mode="reflect")
    return blurred


def _clipped(highest: float) -> Callable[[Values], Values]:
    """Return the map of [0, highest] to [-1, 1], with more than ``highest`` as 1."""
    return lambda values: np.minimum(values / highest, 1) * 2 - 1


def _standardised_curvature(values: Values) -> Values:
    raw = values * encodings.CURVATURE_UNITS + encodings.CURVATURE_ZERO
    standardised: Values = (raw - CURVATURE_MEANS) / CURVATURE_SPREADS
    return standardised


def _standardised_layout(values: Values) -> Values:
    standardised: Values = (values - LAYOUT_MEANS) / LAYOUT_SPREADS
    return standardised


def _region_boundaries(values: Values) -> Values:
    return boundaries(values[0])[None].astype(np.float64)


_TABLE = (
    Domain("depth_euclidean", 1, "laplace", encoding=encodings.DEPTH, by_depth=True, scale=_log_depth),
    Domain("depth_zbuffer", 1, "laplace", encoding=encodings.DEPTH, by_depth=True, scale=_log_depth),
    Domain("edge_occlusion", 1, "laplace", encoding=encodings.STRENGTH, by_depth=True, scale=_occlusion),
    Domain(
        "edge_texture",
        1,
        "laplace",
        encoding=encodings.STRENGTH,
        scale=_clipped(STRONGEST_TEXTURE),
        recipe=recipes.edge_texture,
    ),
    Domain(
        "keypoints2d",
        1,
        "laplace",
        encoding=encodings.STRENGTH,
        scale=_clipped(STRONGEST_KEYPOINT),
        recipe=recipes.keypoints2d,
    ),
    Domain("keypoints3d", 1, "laplace", encoding=encodings.STRENGTH, by_depth=True, scale=_clipped(1)),
    Domain("normal", 3, "laplace", encoding=encodings.NORMAL, by_depth=True),
    Domain(
        "principal_curvature",
        2,
        "gaussian",
        encoding=encodings.CURVATURE,
        by_depth=True,
        scale=_standardised_curvature,
    ),
    Domain("reshading", 1, "laplace", encoding=encodings.SHADING, by_depth=True, scale=_clipped(1)),
    Domain("segment_semantic", 1, "categorical", classes=SEMANTIC_CLASSES, encoding=encodings.CLASSES),
    Domain(
        "segment_unsup2d",
        1,
        "categorical",
        classes=2,
        encoding=encodings.REGIONS,
        scale=_region_boundaries,
        recipe=recipes.segment_unsup2d,
    ),
    Domain(
        "segment_unsup25d",
        1,
        "categorical",
        classes=2,
        encoding=encodings.REGIONS,
        by_depth=True,
        scale=_region_boundaries,
    ),
    Domain("class_object", len(OBJECTS), "categorical", classes=len(OBJECTS), encoding=encodings.OBJECT),
    Domain("class_scene", len(SCENES), "categorical", classes=len(SCENES), encoding=encodings.SCENE),
    Domain("vanishing_points", 9, "gaussian", encoding=encodings.VANISHING),
    Domain("room_layout", 9, "gaussian", encoding=encodings.LAYOUT, scale=_standardised_layout),
    Domain("autoencoding", 3, "laplace", recipe=recipes.autoencoding),
    Domain("denoising", 3, "laplace", recipe=recipes.denoising),
    Domain("inpainting", 3, "laplace", recipe=recipes.inpainting),
    Domain("colorization", 2, "gaussian", recipe=recipes.colorization),
    Domain("jigsaw", 1, "categorical", classes=recipes.ARRANGEMENTS, recipe=recipes.jigsaw),
)
DOMAINS: dict[str, Domain] = {domain.name: domain for domain in _TABLE}
STORED = tuple(domain.name for domain in _TABLE if domain.encoding is not None)
COMPUTED = tuple(domain.name for domain in _TABLE if domain.recipe is not None)
