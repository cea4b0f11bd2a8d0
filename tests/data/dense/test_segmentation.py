"""Superpixels against a naive merge, cuts against all cuts there are."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter

from taskzoo.data.dense.segmentation import boundaries, normalised_cuts, segment, superpixels
from tests.data.dense.houses import rgb


def naive_superpixels(image: npt.NDArray[np.uint8]) -> list[set[tuple[int, int]]]:
    """Merge sets of pixels edge by edge, each set's rule as the paper writes it."""
    height, width, _ = image.shape
    colours = gaussian_filter(image / 255, (0.5, 0.5, 0), mode="reflect")
    edges = []
    # The order among equal weights is that of the four directions: right, down, both, down and left.
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for row, column in product(range(height), range(width)):
            start = (row, column)
            end = (row + down, column + right)
            if down == 1 and right == -1:
                start, end = (row, column + 1), (row + 1, column)
            if max(start[0], end[0]) < height and max(start[1], end[1]) < width:
                edges.append((float(np.linalg.norm(colours[start] - colours[end])), start, end))
    edges.sort(key=lambda edge: edge[0])
    home = {pixel: frozenset([pixel]) for pixel in product(range(height), range(width))}
    inside = dict.fromkeys(home.values(), 0.0)
    for weight, start, end in edges:
        one, other = home[start], home[end]
        if one != other and weight <= min(inside[each] + 20 / 255 / len(each) for each in (one, other)):
            merged = one | other
            inside[merged] = weight
            home.update(dict.fromkeys(merged, merged))
    return [set(each) for each in set(home.values())]


def test_superpixels_are_those_of_a_naive_merge() -> None:
    image = (rgb(4, 14) // 12 + np.kron(np.array([[20, 90], [160, 230]]), np.ones((7, 7)))[..., None]).astype(np.uint8)
    pieces = superpixels(image)
    found = [set(zip(*map(np.ndarray.tolist, np.nonzero(pieces == each)), strict=True)) for each in np.unique(pieces)]
    assert len(found) > 3
    assert sorted(map(sorted, found)) == sorted(map(sorted, naive_superpixels(image)))


def test_superpixels_below_one_256th_are_merged() -> None:
    image = rgb(5, 48)
    sizes = np.bincount(superpixels(image).ravel())
    assert len(sizes) > 1
    assert sizes.min() >= 48 * 48 // 256


def test_a_cut_is_the_best_of_all_cuts() -> None:
    # Six pieces in a ring, of two colours that differ little inside and much between.
    colours = np.array([[10.0, 10, 10], [12, 10, 9], [14, 12, 10], [200, 190, 180], [198, 190, 182], [203, 191, 179]])
    touch = np.roll(np.eye(6, dtype=bool), 1, 1) | np.roll(np.eye(6, dtype=bool), -1, 1)
    weights = np.where(touch, np.exp(-((colours[:, None] - colours[None]) ** 2).sum(2) / 255), 0) + np.eye(6)

    def cost(side: npt.NDArray[np.bool_]) -> float:
        cut = weights[side][:, ~side].sum()
        return float(cut / weights[side].sum() + cut / weights[~side].sum())

    best = min((np.array(side) for side in product([False, True], repeat=6) if 0 < sum(side) < 6), key=cost)
    groups = normalised_cuts(colours, touch)
    assert cost(best) < 0.005
    assert len(set(groups.tolist())) == 2
    assert cost(groups == groups[0]) == pytest.approx(cost(best))


def test_one_colour_is_one_region_and_two_have_a_boundary_between() -> None:
    image = np.full((32, 32, 3), 40, np.uint8)
    assert (segment(image) == 0).all()
    image[:, 20:] = (200, 60, 90)
    regions = segment(image)
    assert len(np.unique(regions)) == 2
    assert boundaries(regions)[:, 19].all()
    assert boundaries(regions).sum() == 32


def test_shades_of_one_colour_fall_into_one_region() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :16], image[:, 16:] = 100, 107  # 12 apart in colour, where exp(-d^2 / 255) is 0.56
    assert len(np.unique(superpixels(image))) > 1
    assert len(np.unique(segment(image))) == 1
