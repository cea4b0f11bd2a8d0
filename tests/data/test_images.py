"""Images are kept, converted without loss, or refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from taskzoo.data.images import ImageError, canonical_image, decode
from tests.data.pictures import encoded, noise

RGB = noise(1)
GREY = noise(2, channels=1)


@pytest.mark.parametrize(
    "content",
    [encoded(RGB), encoded(GREY), encoded(RGB, "JPEG"), encoded(GREY, "JPEG")],
    ids=["rgb-png", "grey-png", "rgb-jpeg", "grey-jpeg"],
)
def test_plain_files_keep_their_bytes(content: bytes) -> None:
    assert canonical_image(content, "x").content == content


def with_alpha(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", alpha: int) -> Image.Image:
    image = Image.fromarray(pixels)
    image.putalpha(alpha)
    return image


BITS = Image.fromarray(GREY > 127)
PALETTE = Image.fromarray(RGB).quantize(16)
SIXTEEN = Image.fromarray(GREY.astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded(RGB, "BMP"), RGB),
        (encoded(RGB, "TIFF"), RGB),
        (encoded(RGB, "PPM"), RGB),
        (encoded(RGB, "WEBP", lossless=True), RGB),
        (encoded(PALETTE), np.asarray(PALETTE.convert("RGB"))),
        (encoded(PALETTE, "GIF"), np.asarray(PALETTE.convert("RGB"))),
        (encoded(BITS), np.where(GREY > 127, 255, 0)),
        (encoded(with_alpha(RGB, 255)), RGB),
        (encoded(with_alpha(GREY, 255)), GREY),
        (encoded(SIXTEEN), GREY),
        (encoded(SIXTEEN, "TIFF"), GREY),
    ],
    ids=["bmp", "tiff", "ppm", "webp", "palette", "gif", "1-bit", "rgba", "la", "16-bit-png", "16-bit-tiff"],
)
def test_other_files_become_png_of_the_same_pixels(content: bytes, expected: object) -> None:
    image = canonical_image(content, "x")
    assert image.content.startswith(b"\x89PNG")
    np.testing.assert_array_equal(np.asarray(decode(image.content)), expected)


def animation() -> bytes:
    frames = [Image.fromarray(noise(seed)) for seed in (3, 4)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def sixteen_bit_colour_png() -> bytes:
    """Rewrite the header of an 8-bit PNG by hand, as Pillow cannot write 16-bit colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RGB.astype(np.uint16) * 256 + 7)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


TRANSPARENT_PALETTE = encoded(PALETTE, transparency=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"just some text, not pixels", "is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "is not an image"),
        (encoded(RGB, "JPEG")[:-200], "is damaged"),
        (encoded(RGB)[:100], "is damaged"),
        (encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"), "colour mode CMYK"),
        (encoded(Image.fromarray(RGB).convert("CMYK"), "TIFF"), "colour mode CMYK"),
        (encoded(Image.fromarray(GREY.astype(np.uint16) * 256)), "16 bits"),
        (encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "32 bits"),
        (sixteen_bit_colour_png(), "16 bits"),
        (b"P6 8 8 65535\n" + bytes(8 * 8 * 6), "16 bits"),
        (encoded(with_alpha(RGB, 254)), "transparent"),
        (encoded(with_alpha(GREY, 0)), "transparent"),
        (TRANSPARENT_PALETTE, "transparent"),
        (animation(), "2 frames"),
        (encoded(noise(1, side=1)), "1x1 pixels"),
        (encoded(noise(1, side=3)), "3x3 pixels"),
    ],
    ids=[
        "empty", "text", "eps", "cut-jpeg", "cut-png", "cmyk-jpeg", "cmyk-tiff", "16-bit-grey", "float",
        "16-bit-png", "16-bit-ppm", "rgba", "la", "palette", "animated", "1x1", "3x3",
    ],
)  # fmt: skip
def test_lossy_or_broken_files_are_refused_in_one_sentence(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        canonical_image(content, "cats/7.png")
    message = str(caught.value)
    assert message.startswith("cats/7.png ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_honoured(orientation: int) -> None:
    tall = np.random.default_rng(0).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = canonical_image(encoded(tall, exif=exif), "x")
    # Orientation 2 mirrors, 3 turns by 180, 4 flips, 5 to 8 exchange the axes: the TIFF 6.0 table, in NumPy.
    upright = {
        2: tall[:, ::-1], 3: tall[::-1, ::-1], 4: tall[::-1], 5: tall.swapaxes(0, 1),
        6: tall[::-1].swapaxes(0, 1), 7: tall[::-1, ::-1].swapaxes(0, 1), 8: tall.swapaxes(0, 1)[::-1],
    }[orientation]  # fmt: skip
    np.testing.assert_array_equal(np.asarray(decode(image.content)), upright)
    assert (image.height, image.width) == upright.shape[:2]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(4, 12),
    st.integers(4, 12),
    st.booleans(),
    st.sampled_from(["PNG", "BMP", "TIFF", "PPM"]),
    st.randoms(use_true_random=False),
)
def test_digest_is_of_the_pixels_alone(width: int, height: int, colour: bool, kind: str, random: object) -> None:
    shape = (height, width, 3) if colour else (height, width)
    pixels = np.random.default_rng(hash(random) % 2**32).integers(0, 256, shape, dtype=np.uint8)
    one, other = canonical_image(encoded(pixels), "x"), canonical_image(encoded(pixels, kind), "x")
    assert one.digest == other.digest
    assert (other.width, other.height, other.channels) == (width, height, 3 if colour else 1)
    changed = pixels.copy()
    changed.flat[0] ^= 1
    assert canonical_image(encoded(changed), "x").digest != one.digest


def test_digest_tells_shapes_and_modes_apart() -> None:
    flat = np.zeros((4, 12), np.uint8)
    digests = {
        canonical_image(encoded(each), "x").digest
        for each in (flat, flat.reshape(12, 4), flat.reshape(4, 4, 3), flat.reshape(6, 8))
    }
    assert len(digests) == 4


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_not_crashed_on(content: bytes) -> None:
    with pytest.raises(ImageError):
        canonical_image(content, "x")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"]), st.integers(0, 2000), st.integers(1, 255))
def test_one_changed_byte_never_crashes(kind: str, place: int, flip: int) -> None:
    content = bytearray(encoded(RGB, kind))
    content[place % len(content)] ^= flip
    try:
        image = canonical_image(bytes(content), "x")
    except ImageError:
        return
    assert decode(image.content).mode in {"L", "RGB"}


def test_camera_files_with_a_second_frame_keep_their_bytes() -> None:
    frames = [Image.fromarray(noise(seed, side=16)) for seed in (5, 6)]
    content = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(content)) as opened:
        assert opened.format == "MPO"
    assert canonical_image(content, "x").content == content
