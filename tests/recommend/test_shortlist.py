"""The coarse ranking of many sources."""

import numpy as np

from taskzoo.distance.appearance import Appearance, Cloud, Sketches, read_sketches, sketch
from taskzoo.recommend.shortlist import coarse_ranking


def looking(feature: float, pixel: float = 0.0, classes: int = 2) -> Appearance:
    """Make an appearance of one number each."""
    return Appearance(
        features=Cloud(mean=(feature, 0.0), variance=1.0, images=9),
        pixels=Cloud(mean=(pixel,), variance=1.0, images=9),
        classes=classes,
    )


def sketched(*looks: Appearance) -> Sketches:
    return read_sketches([sketch(one) for one in looks])


def test_what_looks_alike_comes_first() -> None:
    sources = sketched(looking(9.0), looking(1.0), looking(-2.0), looking(0.1))
    assert coarse_ranking(sources, looking(0.0), np.zeros(4)).tolist() == [3, 1, 2, 0]


def test_pixels_order_what_features_leave_open() -> None:
    sources = sketched(looking(1.0, 5.0), looking(1.0, 0.0), looking(1.0, 2.0))
    assert coarse_ranking(sources, looking(1.0, 0.0), np.zeros(3)).tolist() == [1, 2, 0]


def test_many_classes_and_experience_order_what_looks_leave_open() -> None:
    sources = sketched(looking(1.0), looking(1.0, classes=10), looking(1.0))
    assert coarse_ranking(sources, looking(1.0), np.zeros(3)).tolist() == [1, 0, 2]
    assert coarse_ranking(sources, looking(1.0), np.array([0.0, 0.0, 9.0])).tolist() == [2, 1, 0]
