"""How images look: unbiased, in the target's unit, and short enough for a tag."""

import numpy as np
import pytest
import torch

from taskzoo.data.pixels import pixel_statistics
from taskzoo.distance.appearance import Appearance, Cloud, cloud, read_sketches, sketch, unlikeness
from taskzoo.errors import InputError


def drawn(mean: float, images: int, seed: int, features: int = 40) -> Cloud:
    """Return the cloud of normal features of spread 2."""
    rng = np.random.default_rng([9, seed])
    return cloud([torch.from_numpy(rng.normal(mean, 2, size=(images, features)))])


def test_by_hand() -> None:
    source = cloud([torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 4.0]])])
    assert source == Cloud(mean=(1.0, 2.0), variance=2.0 + 8.0, images=2)
    target = Cloud(mean=(4.0, 6.0), variance=8.0, images=4)
    # |(3, 4)|^2 = 25, less 10/2 and 8/4, in units of 8.
    assert unlikeness(source, target) == pytest.approx(np.sqrt((25 - 5 - 2) / 8))


def test_images_of_one_kind_are_alike_however_few() -> None:
    squares = [unlikeness(drawn(0, 5, seed), drawn(0, 5, seed + 1000)) ** 2 for seed in range(300)]
    assert np.median(squares) < 0.05  # Without the correction they would be about 2/5.
    apart = [unlikeness(drawn(1, 5, seed), drawn(0, 5, seed + 1000)) ** 2 for seed in range(300)]
    assert np.mean(apart) == pytest.approx(0.25, rel=0.1)  # 40 features at distance 1, in units of 40 * 2^2.
    assert unlikeness(drawn(0, 5, 3), drawn(0, 5, 3)) == 0


def test_constant_features_have_no_unit() -> None:
    still = Cloud(mean=(1.0,), variance=0.0, images=3)
    assert unlikeness(still, still) == 0
    assert unlikeness(Cloud(mean=(3.0,), variance=0.0, images=3), still) == 2


def test_other_networks_are_refused() -> None:
    with pytest.raises(InputError, match="3 and 4 features"):
        unlikeness(drawn(0, 5, 0, features=3), drawn(0, 5, 0, features=4))


def test_pixel_statistics_by_hand() -> None:
    images = np.zeros((1, 3, 2, 2), dtype=np.uint8)
    images[0, 0] = [[0, 255], [0, 255]]
    images[0, 2] = 51
    # Channel means .5, 0, .2; spreads .5, 0, 0; of six horizontal neighbours two differ, by 1.
    assert pixel_statistics(images).tolist() == [pytest.approx([0.5, 0, 0.2, 0.5, 0, 0, 1 / 3])]


def test_sketches_keep_distances_and_order() -> None:
    looks = [
        Appearance(
            features=drawn(mean, 200, seed, features=900), pixels=drawn(mean, 200, seed, features=7), classes=seed + 2
        )
        for seed, mean in enumerate((0.0, 0.3, 1.0, 3.0))
    ]
    sketches = read_sketches([sketch(one) for one in looks])
    assert len(sketch(looks[0])) < 800
    for row, one in enumerate(looks):
        exact = np.linalg.norm(np.subtract(one.features.mean, looks[0].features.mean))
        assert np.linalg.norm(sketches.features[row] - sketches.features[0]) == pytest.approx(exact, rel=0.2)
        assert sketches.pixels[row].tolist() == pytest.approx(list(one.pixels.mean), rel=1e-6)
        assert sketches.classes[row] == one.classes
    assert sketches[[2, 0]].classes.tolist() == [looks[2].classes, looks[0].classes]
    assert read_sketches([]).classes.tolist() == []
