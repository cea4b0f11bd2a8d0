"""The two forms of Taskonomy's files, read without a loss: images as PNG, scores of classes as NumPy's .npy."""

import io
import tokenize
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from taskzoo.data.images import DAMAGE
from taskzoo.errors import InputError

Raw = npt.NDArray[Any]  # uint8 [H, W, 3], uint8 [H, W] or uint16 [H, W]; or float64 [1, 1, K], scores of K classes

BIT_DEPTH, COLOUR_TYPE = 24, 25  # places in a PNG file's header
GREY, PALETTE = 0, 3


@dataclass(frozen=True)
class Png:
    """An image.

    Attributes:
        bits: A channel.
        channels: Of the file: 1 or 3.
        suffix: Of the file's name.
    """

    bits: Literal[8, 16]
    channels: Literal[1, 3]
    suffix: ClassVar[str] = ".png"

    def read(self, content: bytes, where: str) -> Raw:
        """Decode a file.

        Args:
            content: The file's bytes.
            where: The file, for messages.

        Returns:
            Its pixels: uint16 or uint8, [H, W] or [H, W, 3]. Opacity is dropped.

        Raises:
            InputError: If it is no whole PNG file, or has other bits or channels.
        """
        wanted = f"expected a PNG file of {self.bits} bits, {'grey' if self.channels == 1 else 'RGB'}"
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                bits, kind = content[BIT_DEPTH], content[COLOUR_TYPE]
                if bits != self.bits or kind == PALETTE or (self.bits == 16 and kind != GREY):
                    raise InputError(
                        f"{where} has {bits} bits a channel in colour mode {picture.mode}; {wanted}; a conversion has "
                        "changed its values, so copy the original file."
                    )
                pixels = np.asarray(picture if bits == 16 else picture.convert("RGB"))
        except DAMAGE as error:
            raise InputError(
                f"{where} is damaged ({' '.join(str(error).split())}); {wanted}; copy it again."
            ) from error
        if self.bits == 16 or self.channels == 3:
            return pixels
        if (pixels != pixels[..., :1]).any():
            raise InputError(f"{where} is in colour; {wanted}; copy the original file.")
        return pixels[..., 0]

    def write(self, raw: Raw) -> bytes:
        """Return the file of such pixels."""
        buffer = io.BytesIO()
        Image.fromarray(raw).save(buffer, "PNG")
        return buffer.getvalue()


@dataclass(frozen=True)
class Npy:
    """One score a class, of the whole image.

    Attributes:
        classes: K, how many there are.
        lowest: A score may be.
        suffix: Of the file's name.
    """

    classes: int
    lowest: float
    suffix: ClassVar[str] = ".npy"

    def read(self, content: bytes, where: str) -> Raw:
        """Decode a file, never by pickle.

        Args:
            content: The file's bytes.
            where: The file, for messages.

        Returns:
            The scores, float64 [1, 1, K].

        Raises:
            InputError: If it is no whole .npy file of K finite numbers, or one is too low.
        """
        wanted = f"expected a .npy file of {self.classes:,} finite numbers"
        advice = "copy it again, or remove it, since a view may lack this file."
        try:
            found = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        except (*DAMAGE, MemoryError, tokenize.TokenError) as error:
            raise InputError(f"{where} is damaged ({' '.join(str(error).split())}); {wanted}; {advice}") from error
        if found.dtype.kind not in "fiu" or found.size != self.classes:
            raise InputError(f"{where} holds {found.dtype} of shape {list(found.shape)}; {wanted}; {advice}")
        if not np.isfinite(found).all():
            raise InputError(f"{where} holds {found[~np.isfinite(found)][0]}; {wanted}; {advice}")
        if found.min() < self.lowest:
            raise InputError(f"{where} holds {found.min():g}; {wanted}, none below {self.lowest:g}; {advice}")
        return found.astype(np.float64).reshape(1, 1, -1)

    def write(self, raw: Raw) -> bytes:
        """Return the file of such scores."""
        buffer = io.BytesIO()
        np.save(buffer, raw.ravel(), allow_pickle=False)
        return buffer.getvalue()
