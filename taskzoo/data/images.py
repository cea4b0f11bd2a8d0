"""One image: 8 bits a channel, grey or RGB, upright, known by the digest of its pixels."""

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from taskzoo.errors import InputError

# Only formats that store plain rasters: others (EPS, PDF, ...) would run interpreters on untrusted files.
STORED_FORMATS = ("PNG", "JPEG")
FORMATS = (*STORED_FORMATS, "BMP", "GIF", "WEBP", "TIFF", "PPM")
# Phones write JPEG files followed by depth or gain maps, which viewers do not show as pictures.
JPEG_WITH_EXTRAS = "MPO"
MIN_SIDE = 4
# What Pillow raises on damaged files, by format and place of the damage.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
TIFF_BITS_PER_SAMPLE = 258


class ImageError(InputError):
    """An image that cannot be used.

    Args:
        where: The file or row.
        reason: What was found, as a clause.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"{where} {reason}; expected an opaque grey or RGB image of 8 bits a channel and at least "
            f"{MIN_SIDE}x{MIN_SIDE} pixels; convert or remove it."
        )
        self.where = where
        self.reason = reason


@dataclass(frozen=True)
class CanonicalImage:
    """An image as the store keeps it.

    Attributes:
        content: An encoded file, JPEG or PNG, grey or RGB.
        width: Pixels, after EXIF orientation.
        height: Pixels, after EXIF orientation.
        channels: 1 or 3.
        digest: SHA-256 over mode, size and pixels: equal pictures are equal whatever their encoding.
    """

    content: bytes
    width: int
    height: int
    channels: int
    digest: str


def canonical_image(content: bytes, where: str) -> CanonicalImage:
    """Check an image file and convert it to grey or RGB of 8 bits where nothing is lost.

    Args:
        content: The file's bytes.
        where: The file or row, for messages.

    Returns:
        The same bytes for an 8-bit grey or RGB JPEG or PNG, else a PNG of the same pixels.

    Raises:
        ImageError: If it is not an image, is damaged or too small, or a conversion would lose something.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check_frames(opened, where)
            _check_depth(opened, content, where)
            opened.load()
            kept = opened.format in {*STORED_FORMATS, JPEG_WITH_EXTRAS} and opened.mode in {"L", "RGB"}
            plain = _plain(ImageOps.exif_transpose(opened), where)
    except UnidentifiedImageError as error:
        raise ImageError(where, "is not an image in a known format" if content else "is empty") from error
    except DAMAGE as error:
        raise ImageError(where, f"is damaged ({' '.join(str(error).split())})") from error
    if min(plain.size) < MIN_SIDE:
        raise ImageError(where, f"has {plain.width}x{plain.height} pixels")
    return CanonicalImage(
        content=content if kept else encode(np.asarray(plain)),
        width=plain.width,
        height=plain.height,
        channels=len(plain.getbands()),
        digest=pixel_digest(plain),
    )


def decode(content: bytes) -> Image.Image:
    """Return the upright picture of a canonical image's bytes, in mode L or RGB."""
    with Image.open(io.BytesIO(content), formats=STORED_FORMATS) as opened:
        picture = ImageOps.exif_transpose(opened)
        picture.load()
        return picture


def encode(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    """Return a PNG without metadata of uint8 pixels [H, W] or [H, W, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pixel_digest(picture: Image.Image) -> str:
    """Return the SHA-256 over mode, size and pixels as 64 hexadecimal digits."""
    head = f"{picture.mode} {picture.width}x{picture.height}\n".encode()
    return hashlib.sha256(head + picture.tobytes()).hexdigest()


def _check_frames(picture: Image.Image, where: str) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != JPEG_WITH_EXTRAS:
        raise ImageError(where, f"is animated or has several pages ({frames} frames)")


def _check_depth(picture: ImageFile.ImageFile, content: bytes, where: str) -> None:
    # Of 16-bit colour Pillow silently drops half the bits when it decodes.
    bits = 8
    if picture.format == "PNG":
        bits = content[24]
    elif picture.format == "TIFF":
        bits = int(np.max(picture.getexif().get(TIFF_BITS_PER_SAMPLE, 8)))  # one number, or one a channel
    elif picture.format == "PPM":
        arguments = picture.tile[0].args
        maximum = arguments[-1] if isinstance(arguments, tuple) else 255
        bits = 16 if isinstance(maximum, int) and maximum > 255 else 8
    if bits > 8 and picture.mode not in {"I", "I;16", "I;16B", "I;16L"}:
        raise ImageError(where, f"has {bits} bits a channel")


def _plain(picture: Image.Image, where: str) -> Image.Image:
    if picture.mode in {"L", "RGB"} and not picture.has_transparency_data:
        return picture
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode.startswith("I"):
        return _eight_bit(picture, where)
    if picture.mode in {"P", "PA", "RGBA", "LA", "L", "RGB"}:
        return _opaque(picture, where)
    raise ImageError(where, f"is in colour mode {picture.mode}")


def _eight_bit(picture: Image.Image, where: str) -> Image.Image:
    # Widening 8 bits to 16 makes 257 v of v: that alone can be undone.
    values = np.asarray(picture).astype(np.int64)
    if (values % 257).any() or values.min() < 0 or values.max() > 65535:
        raise ImageError(where, "has 16 bits a channel or more, and they are in use")
    return Image.fromarray((values // 257).astype(np.uint8))


def _opaque(picture: Image.Image, where: str) -> Image.Image:
    if picture.has_transparency_data:
        low, _ = picture.convert("RGBA").getchannel("A").getextrema()
        if low != 255:
            raise ImageError(where, "has transparent pixels")
    return picture.convert("L" if picture.mode in {"L", "LA"} else "RGB")
