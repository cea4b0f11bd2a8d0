"""Colours of a view: solid textures, point lights with shadows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from taskzoo.data.dense.rooms.casting import NOTHING, Hits
from taskzoo.data.dense.rooms.shapes import FACES, Array, dot

Pattern = Literal["plain", "checker", "stripes", "marble"]
PATTERNS: tuple[Pattern, ...] = ("plain", "checker", "stripes", "marble")
SAMPLES = 2  # Rays a pixel and direction, averaged.
WAVES = 4
GAMMA = 2.2
HALF_BRIGHT = 5.0  # metres at which a lamp has half its strength


@dataclass(frozen=True)
class Texture:
    """A pattern of two colours that fills space.

    Attributes:
        pattern: How they alternate.
        colours: Linear RGB in [0, 1] [2, 3].
        waves: Directions and frequencies, radians a metre [WAVES, 3].
        phases: Radians [WAVES].
    """

    pattern: Pattern
    colours: Array
    waves: Array
    phases: Array

    def at(self, points: Array) -> Array:
        """Return the colours [P, 3] at points [P, 3]."""
        share = self._share(points)[:, None]
        mixed: Array = self.colours[0] * (1 - share) + self.colours[1] * share
        return mixed

    def _share(self, points: Array) -> Array:
        angles: Array = points @ self.waves.T + self.phases
        share: Array = np.zeros(len(points))
        if self.pattern == "stripes":
            share = 0.5 + 0.5 * np.tanh(6 * np.sin(angles[:, 0]))
        elif self.pattern == "marble":
            share = 0.5 + 0.5 * np.sin(2 * np.sin(angles[:, 1:]).sum(1))
        elif self.pattern == "checker":
            # Along the axes; the phases keep borders of squares off walls at round coordinates.
            frequency = np.linalg.norm(self.waves[0]) / np.pi
            share = np.floor(points * frequency + self.phases[:3] / np.pi).sum(1) % 2
        return share


@dataclass(frozen=True)
class Appearance:
    """The colours and lights of one view.

    Attributes:
        textures: One for each face of the room, then one for each other shape; those beyond begin again.
        lights: Positions [L, 3].
        strengths: Of the lights [L].
        ambient: Light from everywhere.
        outside: What windows show, RGB in [0, 1] [3].
    """

    textures: Sequence[Texture]
    lights: Array
    strengths: Array
    ambient: float
    outside: Array


def random_appearance(shapes: int, lights: Array, rng: np.random.Generator) -> Appearance:
    """Draw colours and lights, anew for each view, so that colour does not tell shapes apart.

    Args:
        shapes: How many, the room among them.
        lights: Where lamps hang [L, 3].
        rng: Of the draw.

    Returns:
        The appearance.
    """
    return Appearance(
        textures=[_random_texture(rng) for _ in range(FACES + shapes - 1)],
        lights=lights,
        strengths=rng.uniform(0.4, 0.9, len(lights)),
        ambient=float(rng.uniform(0.2, 0.4)),
        outside=np.array([0.55, 0.75, 0.95]) * rng.uniform(0.5, 1),
    )


def _random_texture(rng: np.random.Generator) -> Texture:
    first = rng.uniform(0.05, 0.9, 3)
    second = first * rng.uniform(0.25, 0.6) if rng.random() < 0.5 else rng.uniform(0.05, 0.9, 3)
    directions = rng.normal(size=(WAVES, 3))
    lengths = rng.uniform(4, 14, (WAVES, 1))
    return Texture(
        pattern=PATTERNS[rng.integers(len(PATTERNS))],
        colours=np.stack([first, second]),
        waves=directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths,
        phases=rng.uniform(0.1, np.pi - 0.1, WAVES),
    )


def photograph(
    hits: Hits, lit: Callable[[Array, Array], npt.NDArray[np.bool_]], appearance: Appearance
) -> npt.NDArray[np.uint8]:
    """Render a view.

    Args:
        hits: What its rays meet, 2 S a side.
        lit: Tells which points [P, 3] a light [3] reaches.
        appearance: Colours and lights.

    Returns:
        Pixels [S, S, 3], each the mean of four rays.
    """
    side = hits.side // SAMPLES
    # Each face of the room, which is the first shape, has a texture of its own; others have one for all faces.
    surfaces = np.where(hits.shapes == 0, hits.faces, hits.shapes + FACES - 1)
    colours = np.zeros_like(hits.points)
    for number, texture in enumerate(appearance.textures):
        here = surfaces % len(appearance.textures) == number
        colours[here] = texture.at(hits.points[here])
    light = np.full(len(colours), appearance.ambient)
    for position, strength in zip(appearance.lights, appearance.strengths, strict=True):
        towards = position - hits.points
        facing = dot(hits.normals, towards)
        bright = np.flatnonzero(facing > 0)
        bright = bright[lit(hits.points[bright], position)]
        squared = dot(towards[bright], towards[bright])
        light[bright] += strength * facing[bright] / np.sqrt(squared) / (1 + squared / HALF_BRIGHT**2)
    shaded = np.clip(colours * light[:, None], 0, 1) ** (1 / GAMMA)
    shaded[hits.shapes == NOTHING] = appearance.outside
    blocks: Array = shaded.reshape(side, SAMPLES, side, SAMPLES, 3).mean((1, 3))
    return np.rint(blocks * 255).astype(np.uint8)
