"""The table of domains agrees with the parameters and with Taskonomy's ranges."""

from multiprocessing.reduction import ForkingPickler
from typing import get_args

import numpy as np
import pytest

from taskzoo.data.dense.domains import DOMAINS
from taskzoo.params import TargetName


def scaled(domain: str, *values: float) -> list[float]:
    """Return what a network is given for an image of one value a channel."""
    planes = np.ones((1, 16, 16)) * np.array(values)[:, None, None]
    found = DOMAINS[domain].scale(planes)
    assert found.shape == planes.shape
    assert np.ptp(found, (1, 2)).max() < 1e-12
    return [float(each) for each in found[:, 0, 0]]


def test_parameters_name_exactly_the_tables_domains() -> None:
    assert list(DOMAINS) == list(get_args(TargetName))
    assert all(name == domain.name for name, domain in DOMAINS.items())


def test_every_domain_has_a_file_or_a_recipe_and_classes_where_it_is_categorical() -> None:
    for domain in DOMAINS.values():
        assert domain.encoding is not None or domain.recipe is not None
        assert (domain.classes is not None) == (domain.likelihood == "categorical")
        assert domain.classes is None or domain.channels in (1, domain.classes)


def test_depth_is_logarithmic_and_reaches_one_at_the_largest_count() -> None:
    assert scaled("depth_zbuffer", 65535 / 512) == [pytest.approx(1)]
    assert scaled("depth_euclidean", 0) == [0]
    assert scaled("depth_zbuffer", 2) == [pytest.approx(np.log(1025) / np.log(65536))]


def test_occlusion_edges_are_not_clipped_and_are_blurred() -> None:
    assert scaled("edge_occlusion", 0) == [pytest.approx(-1)]
    assert scaled("edge_occlusion", 0.00625) == [pytest.approx(1)]
    assert scaled("edge_occlusion", 0.0125) == [pytest.approx(3)]
    line = np.zeros((1, 64, 64))
    line[0, :, 32] = 0.00625
    profile = DOMAINS["edge_occlusion"].scale(line)[0, 32] + 1
    # A line of height 2 spread by a Gaussian of one pixel, 4 of 256.
    kernel = np.exp(-0.5 * np.arange(-4.0, 5) ** 2)
    assert profile[28:37] == pytest.approx(2 * kernel / kernel.sum())


def test_texture_edges_and_keypoints_are_clipped() -> None:
    assert scaled("edge_texture", 0.04) == [pytest.approx(0)]
    assert scaled("edge_texture", 0.11) == [1]
    assert scaled("keypoints2d", 0.0025) == [pytest.approx(0)]
    assert scaled("keypoints2d", 0.014) == [1]
    assert scaled("keypoints3d", 0.85) == [pytest.approx(0.7)]
    assert scaled("reshading", 0.5) == [0]


def test_curvature_is_standardised_by_taskonomys_constants() -> None:
    assert scaled("principal_curvature", 0, 0) == pytest.approx([(127 - 123.572) / 31.922, (127 - 120.1) / 21.658])
    step = 1 / (127 * 0.03)
    assert scaled("principal_curvature", step, 0)[0] == pytest.approx((128 - 123.572) / 31.922)


def test_region_numbers_become_boundaries() -> None:
    regions = np.array([[[7.0, 7, 3], [7, 7, 3], [9, 9, 3]]])
    assert DOMAINS["segment_unsup25d"].scale(regions)[0].tolist() == [[0, 1, 0], [1, 1, 0], [0, 1, 0]]


def test_a_domain_travels_to_other_processes() -> None:
    for domain in DOMAINS.values():
        assert ForkingPickler.loads(ForkingPickler.dumps(domain)) is domain
