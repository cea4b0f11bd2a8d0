"""Small folders in the form of Taskonomy's."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taskzoo.data.dense.domains import DOMAINS
from taskzoo.data.dense.encodings import DEPTH, Mask, Values
from taskzoo.data.dense.views import encoding_of
from tests.data.pictures import encoded

Layout = Callable[[str, str], str]
SIDE = 24
POSES = ("vanishing_points", "room_layout")  # Of one file.
ALL = tuple(name for name, domain in DOMAINS.items() if domain.encoding is not None and name not in POSES)
WHOLE = ("class_object", "class_scene")
IMAGES = tuple(name for name in ALL if name not in WHOLE)
# Of domains whose files have another name than their folder.
TOKENS = {"segment_semantic": "segmentsemantic", "class_scene": "class_places"}

LAYOUTS: dict[str, Layout] = {
    "building above domain": lambda building, domain: f"{building}/{domain}",
    "domain above building": lambda building, domain: f"{domain}/{building}",
    "domain above taskonomy above building": lambda building, domain: f"{domain}/taskonomy/{building}",
}


def sample(domain: str, seed: int, side: int = SIDE) -> Values:
    """Return values of a domain, in its unit and range."""
    rng = np.random.default_rng([seed, *domain.encode()])
    shape = (DOMAINS[domain].channels, side, side)
    if domain.startswith("depth"):
        return rng.uniform(0.6, 9, shape)
    if domain == "normal":
        arrows = rng.normal(size=(3, side, side))
        unit: Values = arrows / np.linalg.norm(arrows, axis=0)
        return unit
    if domain == "principal_curvature":
        return -np.sort(-rng.uniform(-30, 30, (2, side, side)), axis=0)
    if domain == "segment_semantic":
        return rng.integers(0, 17, shape).astype(np.float64)
    if domain in WHOLE:
        return rng.dirichlet(np.full(DOMAINS[domain].channels, 0.1))[:, None, None]
    if domain.startswith("segment"):
        return rng.integers(0, 200, shape).astype(np.float64)
    return rng.uniform(0, 0.1, shape)


def rgb(seed: int, side: int = SIDE) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def hole(seed: int, side: int = SIDE) -> Mask:
    """Return where something is seen: all but a square whose place depends on the seed."""
    seen = np.ones((side, side), dtype=bool)
    start = seed % (side - 8)
    seen[start : start + 5, 2:7] = False
    return seen


def house(root: Path, building: str, views: int, layout: Layout, domains: Sequence[str] = ALL, first: int = 0) -> Path:
    """Write a building of so many views, each with a hole; returns ``root``."""
    for view in range(views):
        seed = first + view
        files = {"rgb": encoded(rgb(seed))}
        for domain in domains:
            values = sample(domain, seed)
            seen = hole(seed) if DOMAINS[domain].by_depth else np.ones(values.shape[1:], bool)
            files[domain] = encoding_of(domain).write(values, seen)
        for domain, content in files.items():
            folder = root / layout(building, domain)
            folder.mkdir(parents=True, exist_ok=True)
            token = TOKENS.get(domain, domain)
            suffix = ".npy" if domain in WHOLE else ".png"
            (folder / f"point_{view}_view_{view % 3}_domain_{token}{suffix}").write_bytes(content)
    return root


def street(root: Path, buildings: int = 12, views: int = 3, domains: Sequence[str] = ALL) -> Path:
    """Write so many buildings, Taskonomy's own layout, each view different from all others."""
    for number in range(buildings):
        house(root, f"House{number}", views, LAYOUTS["building above domain"], domains, 100 * number)
    return root


def flat_depth(metres: float) -> bytes:
    return DEPTH.write(np.full((1, SIDE, SIDE), metres), np.ones((SIDE, SIDE), bool))
