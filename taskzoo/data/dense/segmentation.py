"""Regions of one colour without labels: a graph of pixels, merged, then cut."""

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.ndimage import gaussian_filter
from scipy.sparse.csgraph import connected_components

Pixels = npt.NDArray[np.uint8]
Regions = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

SCALE = 20 / 255  # Larger makes larger regions; Taskonomy has 200 at 512 pixels a side.
SMOOTHING = 0.5
SMALLEST = 256  # Regions below this fraction of the image are merged into a neighbour.
COLOUR_SPREAD = 255.0  # Of squared distances between mean colours in [0, 255].
LARGEST_CUT = 0.005
CUTS_TRIED = 10
LOOSE = 1e-6


def segment(rgb: Pixels) -> Regions:
    """Divide an image into regions: superpixels by merging, grouped by normalised cuts of their mean colours.

    Args:
        rgb: Pixels [H, W, 3].

    Returns:
        The region of each pixel [H, W], from 0 without gaps; one region for a flat image.
    """
    pieces = superpixels(rgb)
    groups = normalised_cuts(*_neighbours(rgb, pieces))
    return groups[pieces]


def superpixels(rgb: Pixels) -> Regions:
    """Merge pixels by colour (Felzenszwalb and Huttenlocher, IJCV 2004).

    Edges between the 8 neighbours are taken by rising colour distance w. Two components are merged where
    w <= min(w1 + SCALE / n1, w2 + SCALE / n2), with their largest merged w and number of pixels n.

    Args:
        rgb: Pixels [H, W, 3].

    Returns:
        The component of each pixel [H, W], from 0 without gaps.
    """
    colours = gaussian_filter(rgb / 255, (SMOOTHING, SMOOTHING, 0), mode="reflect")
    ends, weights = _pixel_edges(colours)
    order = np.argsort(weights, kind="stable")
    pairs = list(zip(ends[0][order].tolist(), ends[1][order].tolist(), weights[order].tolist(), strict=True))
    pixels = colours.shape[0] * colours.shape[1]
    parent, size, bound = list(range(pixels)), [1] * pixels, [SCALE] * pixels
    for one, other, weight in pairs:
        first, second = _root(parent, one), _root(parent, other)
        if first != second and weight <= min(bound[first], bound[second]):
            _merge(parent, size, first, second)
            bound[first] = weight + SCALE / size[first]
    for one, other, _ in pairs:
        first, second = _root(parent, one), _root(parent, other)
        if first != second and min(size[first], size[second]) < pixels // SMALLEST:
            _merge(parent, size, first, second)
    roots = np.array([_root(parent, pixel) for pixel in range(pixels)])
    return np.unique(roots, return_inverse=True)[1].reshape(colours.shape[:2])


def _pixel_edges(colours: Array) -> tuple[tuple[Regions, Regions], Array]:
    """Return the pixel numbers at both ends of every edge, and the colour distances between them."""
    height, width, _ = colours.shape
    number = np.arange(height * width).reshape(height, width)
    every, later, earlier = slice(None), slice(1, None), slice(None, -1)
    steps = [
        ((every, earlier), (every, later)),
        ((earlier, every), (later, every)),
        ((earlier, earlier), (later, later)),
        ((earlier, later), (later, earlier)),
    ]
    one = np.concatenate([number[start].ravel() for start, _ in steps])
    other = np.concatenate([number[end].ravel() for _, end in steps])
    flat = colours.reshape(-1, 3)
    return (one, other), np.linalg.norm(flat[one] - flat[other], axis=1)


def _root(parent: list[int], pixel: int) -> int:
    while parent[pixel] != pixel:
        parent[pixel] = parent[parent[pixel]]
        pixel = parent[pixel]
    return pixel


def _merge(parent: list[int], size: list[int], first: int, second: int) -> None:
    parent[second] = first
    size[first] += size[second]


def _neighbours(rgb: Pixels, pieces: Regions) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return the mean colour [R, 3] of each piece in [0, 255], and which pieces touch, [R, R]."""
    count = int(pieces.max()) + 1
    flat = pieces.ravel()
    sums = np.stack([np.bincount(flat, rgb[..., channel].ravel(), count) for channel in range(3)], 1)
    touch = np.zeros((count, count), dtype=bool)
    for one, other in (
        (pieces[:, :-1], pieces[:, 1:]),
        (pieces[:-1], pieces[1:]),
        (pieces[:-1, :-1], pieces[1:, 1:]),
        (pieces[:-1, 1:], pieces[1:, :-1]),
    ):
        touch[one, other] = touch[other, one] = True
    np.fill_diagonal(touch, False)
    return sums / np.bincount(flat, minlength=count)[:, None], touch


def normalised_cuts(colours: Array, touch: npt.NDArray[np.bool_]) -> Regions:
    """Group pieces by repeated two-way cuts (Shi and Malik, PAMI 2000).

    Touching pieces weigh exp(-d^2 / COLOUR_SPREAD) with d the distance of their colours, and each has weight 1
    with itself. A set is cut at the best threshold of the second eigenvector of its normalised Laplacian while
    cut(A, B) / assoc(A) + cut(A, B) / assoc(B) is below LARGEST_CUT.

    Args:
        colours: Mean colour of each piece [R, 3], in [0, 255].
        touch: Which pieces are neighbours, symmetric [R, R].

    Returns:
        The group of each piece [R], from 0 without gaps.
    """
    squared = ((colours[:, None] - colours[None]) ** 2).sum(2)
    weights = np.where(touch, np.exp(-squared / COLOUR_SPREAD), 0) + np.eye(len(colours))
    groups = np.zeros(len(colours), dtype=np.int64)
    # To cut what hardly hangs together costs next to nothing, so that no eigenvector is needed to find it.
    parts, part = connected_components(weights > LOOSE, directed=False)
    waiting = [np.flatnonzero(part == number) for number in range(parts)]
    done = 0
    while waiting:
        members = waiting.pop()
        side = _best_cut(weights[np.ix_(members, members)])
        if side is None:
            groups[members] = done
            done += 1
        else:
            waiting += [members[side], members[~side]]
    return groups


def _best_cut(weights: Array) -> npt.NDArray[np.bool_] | None:
    """Return one side of the best cut of a set, or None where no cut is good enough."""
    if len(weights) < 2:
        return None
    degrees = weights.sum(1)
    scale = 1 / np.sqrt(degrees)
    laplacian = np.eye(len(weights)) - scale[:, None] * weights * scale[None]
    _, vectors = eigh(laplacian, subset_by_index=(0, 1))
    vector = vectors[:, 1] * scale
    best, cost = None, LARGEST_CUT
    for threshold in np.linspace(vector.min(), vector.max(), CUTS_TRIED, endpoint=False):
        side = vector > threshold
        if side.all() or not side.any():
            continue
        cut = weights[side][:, ~side].sum()
        found = cut / degrees[side].sum() + cut / degrees[~side].sum()
        if found < cost:
            best, cost = side, found
    return best


def boundaries(regions: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return which pixels [H, W] have another region to their right or below."""
    edges = np.zeros(regions.shape, dtype=bool)
    edges[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    edges[:-1] |= regions[:-1] != regions[1:]
    return edges
