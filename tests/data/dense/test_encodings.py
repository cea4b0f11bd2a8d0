"""Files say what Taskonomy's documentation says of them, and are refused where a conversion has changed them."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from taskzoo.data.dense.domains import DOMAINS
from taskzoo.data.dense.encodings import CLASSES, CURVATURE, DEPTH, MESH, NORMAL, REGIONS, SHADING, STRENGTH
from taskzoo.data.dense.files import Png
from taskzoo.data.dense.views import encoding_of
from taskzoo.errors import InputError
from tests.data.dense.houses import IMAGES, SIDE, hole, rgb, sample
from tests.data.pictures import encoded

# Half of what one count of the file is worth.
STEPS = {
    "depth_euclidean": 0.5 / 512,
    "depth_zbuffer": 0.5 / 512,
    "normal": 1 / 255,
    "principal_curvature": 0.5 / (127 * 0.03),
    "reshading": 0.5 / 255,
    "segment_semantic": 0,
    "segment_unsup2d": 0,
    "segment_unsup25d": 0,
}


def grey16(*values: int) -> bytes:
    return encoded(Image.fromarray(np.array([values], np.uint16)))


def rgb8(*values: tuple[int, int, int]) -> bytes:
    return encoded(np.array([values], np.uint8))


def grey8(*values: int) -> bytes:
    return encoded(np.array([values], np.uint8))


@pytest.mark.parametrize("domain", IMAGES)
def test_values_survive_a_file_to_half_a_count(domain: str) -> None:
    encoding, values, seen = encoding_of(domain), sample(domain, 1), hole(3)
    content = encoding.write(values, seen)
    assert isinstance(encoding.file, Png)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        assert picture.mode == {(8, 1): "L", (8, 3): "RGB", (16, 1): "I;16"}[encoding.file.bits, encoding.file.channels]
    raw = encoding.read(content, "x")
    decoded = encoding.decode(raw)
    assert decoded.shape == (DOMAINS[domain].channels, SIDE, SIDE)
    assert np.isfinite(decoded).all()
    assert np.abs(decoded - values)[:, seen].max() <= STEPS.get(domain, 0.5 / 65535) + 1e-12
    if domain.startswith("depth") or domain == "segment_semantic":
        assert (encoding.valid(raw) == seen).all()
    else:
        assert encoding.valid(raw).all()


def test_depth_counts_512ths_of_a_metre_and_65535_is_missing() -> None:
    # 32768 and 40000 are where a reader that takes 16 bits as signed goes wrong.
    raw = DEPTH.read(grey16(0, 256, 512, 32768, 40000, 64499, 64500, 65535), "x")
    assert raw.dtype == np.uint16
    assert DEPTH.decode(raw)[0, 0, :5].tolist() == [0, 0.5, 1, 64, 78.125]
    assert DEPTH.valid(raw)[0].tolist() == [True] * 6 + [False] * 2


def test_edges_and_keypoints_are_shares_of_65535() -> None:
    raw = STRENGTH.read(grey16(0, 13107, 65535), "x")
    assert STRENGTH.decode(raw)[0, 0].tolist() == [0, 0.2, 1]


def test_normals_are_red_minus_x_green_y_blue_z_away_from_the_camera() -> None:
    raw = NORMAL.read(rgb8((0, 128, 128), (128, 255, 128), (128, 128, 0)), "x")
    assert np.rint(NORMAL.decode(raw)[:, 0].T).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, -1]]
    towards_camera = np.array([0.0, 0.0, -1.0])[:, None, None]
    assert NORMAL.encode(towards_camera, np.ones((1, 1), bool))[0, 0].tolist() == [128, 128, 0]


def test_curvature_is_zero_at_127_and_clipped_at_33_per_metre() -> None:
    raw = CURVATURE.read(rgb8((127, 127, 0), (254, 0, 0)), "x")
    flat, clipped = CURVATURE.decode(raw)[:, 0].T
    assert flat.tolist() == [0, 0]
    assert clipped == pytest.approx([1 / 0.03, -1 / 0.03])
    sharp = np.array([100.0, -100.0])[:, None, None]
    assert CURVATURE.encode(sharp, np.ones((1, 1), bool))[0, 0].tolist() == [254, 0, 0]
    assert CURVATURE.encode(0 * sharp, np.zeros((1, 1), bool))[0, 0].tolist() == [0, 0, 0]


def test_classes_count_from_one_and_zero_is_uncertain() -> None:
    raw = CLASSES.read(grey8(0, 1, 2, 17), "x")
    assert CLASSES.decode(raw)[0, 0, 1:].tolist() == [0, 1, 16]
    assert CLASSES.valid(raw)[0].tolist() == [False, True, True, True]


def test_shading_regions_and_mesh_masks() -> None:
    assert SHADING.decode(SHADING.read(grey8(0, 51, 255), "x"))[0, 0].tolist() == [0, 0.2, 1]
    assert REGIONS.decode(REGIONS.read(grey8(3, 200), "x"))[0, 0].tolist() == [3, 200]
    assert MESH.valid(MESH.read(grey8(0, 255, 1), "x"))[0].tolist() == [False, True, True]


def test_grey_files_that_a_renderer_saved_as_rgb_or_with_opacity_are_read() -> None:
    opaque = np.array([[[51, 51, 51, 255], [255, 255, 255, 255]]], np.uint8)
    for content in (rgb8((51,) * 3, (255,) * 3), encoded(opaque)):
        assert SHADING.decode(SHADING.read(content, "x"))[0, 0].tolist() == [0.2, 1]


def palette(pixels: npt.NDArray[np.uint8]) -> bytes:
    return encoded(Image.fromarray(pixels).convert("P"))


@pytest.mark.parametrize(
    ("domain", "content", "says"),
    [
        ("depth_zbuffer", grey8(1, 2), "has 8 bits a channel in colour mode L; expected a PNG file of 16 bits, grey"),
        ("keypoints2d", rgb8((1, 2, 3)), "has 8 bits a channel in colour mode RGB; expected a PNG file of 16 bits"),
        ("reshading", grey16(1, 2), "has 16 bits a channel in colour mode I;16; expected a PNG file of 8 bits, grey"),
        ("segment_unsup2d", palette(np.zeros((2, 2), np.uint8)), "in colour mode P; expected a PNG file of 8 bits"),
        ("segment_unsup2d", rgb8((1, 2, 3)), "is in colour; expected a PNG file of 8 bits, grey"),
        ("normal", encoded(rgb(1))[:-200], r"is damaged \("),
        ("normal", b"Dear reader", r"is damaged \("),
        ("normal", encoded(np.zeros((9, 9, 3), np.uint8), "JPEG"), r"is damaged \("),
    ],
)
def test_other_files_are_refused_in_one_sentence(domain: str, content: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        encoding_of(domain).read(content, "a/point_1_view_2 it")
    assert str(caught.value).startswith("a/point_1_view_2 it ")
    assert "\n" not in str(caught.value)
