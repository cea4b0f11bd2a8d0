"""Targets from RGB: hand-computed values, brute force, flat images."""

from itertools import combinations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from taskzoo.data.dense import recipes
from taskzoo.data.dense.colour import grey, lab
from taskzoo.data.dense.domains import COMPUTED, DOMAINS
from taskzoo.errors import InputError
from tests.data.dense.houses import rgb

FLAT = np.full((48, 48, 3), 90, np.uint8)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_recipe_is_deterministic_and_leaves_its_image_alone(name: str) -> None:
    recipe, image = DOMAINS[name].recipe, rgb(1, 48)
    assert recipe is not None
    one, other = recipe(image.copy(), 5), recipe(image.copy(), 5)
    assert (one.target == other.target).all()
    assert (one.image == other.image).all()
    assert one.image.dtype == np.uint8
    assert one.image.shape == image.shape
    assert len(one.target) == DOMAINS[name].channels
    assert one.target.shape[1:] == ((1, 1) if name == "jigsaw" else (48, 48))
    before = image.copy()
    recipe(image, 5)
    assert (image == before).all()


def test_edges_are_the_sobel_magnitude_of_the_smoothed_luminance() -> None:
    image = rgb(2, 12)
    image[4:8, 3:9] //= 3
    smooth = gaussian_filter(image / 255 @ np.array([0.2125, 0.7154, 0.0721]), 1.0)
    padded = np.pad(smooth, 1, mode="symmetric")
    kernel = np.outer([1, 2, 1], [1, 0, -1]) / 4
    expected = np.empty((12, 12))
    for row in range(12):
        for column in range(12):
            patch = padded[row : row + 3, column : column + 3]
            across, down = (patch * kernel).sum(), (patch * kernel.T).sum()
            expected[row, column] = min(np.sqrt((across**2 + down**2) / 2) / 0.25, 1)
    assert recipes.edge_texture(image, 0).target[0] == pytest.approx(expected)


def test_a_blob_answers_as_its_closed_form_says() -> None:
    side, width, height = 41, 2.0, 0.2
    away = (np.arange(side) - side // 2) ** 2
    blob = height * np.exp(-(away[:, None] + away[None]) / (2 * width**2))
    image = np.repeat(np.rint(blob * 255).astype(np.uint8)[..., None], 3, 2)
    # Smoothed by s, a Gaussian of width w has Lxx = Lyy = -h w^2 / (w^2 + s^2)^2 and Lxy = 0 at its centre.
    wanted = max(s**4 * height**2 * width**4 / (width**2 + s**2) ** 4 for s in recipes.KEYPOINT_SCALES)
    found = recipes.keypoints2d(image, 0).target[0, side // 2, side // 2] * 0.005
    assert found == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("name", ["edge_texture", "keypoints2d", "segment_unsup2d"])
def test_a_flat_image_has_no_edges_keypoints_or_boundaries(name: str) -> None:
    recipe = DOMAINS[name].recipe
    assert recipe is not None
    assert np.abs(recipe(FLAT, 0).target).max() < 1e-4


def test_autoencoding_asks_for_the_pixels_in_minus_one_to_one() -> None:
    image = np.array([[[0, 51, 255]]], np.uint8)
    assert recipes.autoencoding(image, 0).target[:, 0, 0] == pytest.approx([-1, -0.6, 1])


def test_denoising_adds_noise_of_variance_one_hundredth_and_asks_for_the_clean_image() -> None:
    example = recipes.denoising(np.full((64, 64, 3), 128, np.uint8), 7)
    noise = example.image / 255 - 128 / 255
    # 4 standard errors of the spread of 12,288 values, and a rounding of half a level.
    assert noise.std() == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * noise.size) + 0.002)
    assert (example.target == 128 / 127.5 - 1).all()
    other = recipes.denoising(np.full((64, 64, 3), 128, np.uint8), 8)
    assert (other.image != example.image).any()
    dark = recipes.denoising(np.zeros((64, 64, 3), np.uint8), 7)
    assert (dark.image == 0).mean() > 0.45  # clipped, not wrapped round


def test_inpainting_hides_the_central_quarter() -> None:
    image = rgb(3, 48)
    example = recipes.inpainting(image, 0)
    changed = (example.image != image).any(2)
    assert (example.image[12:36, 12:36] == 128).all()
    changed[12:36, 12:36] = False
    assert not changed.any()
    assert example.target == pytest.approx(image.transpose(2, 0, 1) / 127.5 - 1)


def test_lab_of_known_colours() -> None:
    # Published values of sRGB's primaries under D65, and white, black and mid grey.
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [119, 119, 119]]], np.uint8)
    known = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0], [0, 0, 0], [50, 0, 0]]
    assert lab(colours)[0] == pytest.approx(np.array(known), abs=0.06)
    assert grey(colours)[0, 3:5] == pytest.approx([1, 0])


def test_colorization_shows_lightness_and_asks_for_colour() -> None:
    image = np.array([[[255, 0, 0], [119, 119, 119]]], np.uint8)
    example = recipes.colorization(image, 0)
    assert example.image[0].tolist() == [[136] * 3, [128] * 3]  # 53.24 and 50.03 of 100, in 255
    assert example.target[:, 0] == pytest.approx(np.array([[0.8009, 0], [0.672, 0]]), abs=1e-3)


def test_jigsaw_tiles_lie_as_the_arrangement_says() -> None:
    colours = np.random.default_rng(0).permutation(9).astype(np.uint8) * 20 + 10
    image = np.repeat(np.kron(colours.reshape(3, 3), np.ones((16, 16), np.uint8))[..., None], 3, 2)
    example = recipes.jigsaw(image, 11)
    order = recipes.arrangements()[int(example.target.item())]
    shown = example.image[8::16, 8::16, 0].ravel()
    assert shown.tolist() == [colours[tile] for tile in order]
    assert (example.image == np.repeat(np.repeat(example.image[8::16, 8::16], 16, 0), 16, 1)).all()
    assert example.valid
    assert not recipes.jigsaw(FLAT, 11).valid


def test_arrangements_are_a_hundred_and_far_apart() -> None:
    orders = np.array(recipes.arrangements())
    assert orders.shape == (100, 9)
    assert (np.sort(orders, axis=1) == np.arange(9)).all()
    apart = [(one != other).sum() for one, other in combinations(orders, 2)]
    assert min(apart) >= 6
    assert (np.array([(one != other).sum() for one, other in combinations(orders[:9], 2)]) >= 8).all()


def test_a_jigsaw_of_small_images_is_refused() -> None:
    with pytest.raises(InputError, match=r"jigsaw has images of 32x32 pixels; expected 48 a side at least"):
        recipes.jigsaw(rgb(1, 32), 0)
