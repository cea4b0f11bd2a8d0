"""Targets and predictions as pictures for people."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from taskzoo.probe.dense_forms import DenseForm, NumberForm, PixelForm

WIDE = 4.0  # Units of a channel, on both sides of its centre, between black and full.
BLANK = 0.5
GAP, TITLE = 2, 14
Pixels = npt.NDArray[np.uint8]


def pictures(form: PixelForm, values: Tensor) -> Pixels:
    """Return values as pictures: one channel as grey, three as colours, two as red and green, classes as shades.

    Args:
        form: Says what the values mean.
        values: As ``PixelForm.values`` gives them, [N, C, S, S]; NaN or a negative class where missing: grey.

    Returns:
        uint8 [N, S, S, 3].
    """
    if form.classes:
        shares = values.float() / max(form.classes - 1, 1)
        shares = shares.where(values >= 0, BLANK).clamp(0, 1)
    else:
        shares = _shares(form, values)
    if shares.shape[1] == 2:
        shares = torch.cat([shares, torch.zeros_like(shares[:, :1])], 1)
    return _coloured(shares)


def stripes(form: NumberForm, values: Tensor, side: int) -> Pixels:
    """Return numbers of whole images as pictures: an upright grey stripe a channel, in their order.

    Args:
        form: Says what the values mean.
        values: As ``NumberForm.values`` gives them, [N, C].
        side: Pixels a side, S.

    Returns:
        uint8 [N, S, S, 3].
    """
    row = _shares(form, values)[:, None, None, :]
    return _coloured(functional.interpolate(row, (side, side), mode="nearest-exact"))


def _shares(form: DenseForm, values: Tensor) -> Tensor:
    """Return where numbers [N, C, ...] lie between black and full, in [0, 1]."""
    low, unit = (each.reshape(-1, *[1] * (values.dim() - 2)) for each in (form.centre - WIDE * form.unit, form.unit))
    return ((values - low) / (2 * WIDE * unit)).nan_to_num(BLANK).clamp(0, 1)


def _coloured(shares: Tensor) -> Pixels:
    """Return shares [N, 1 or 3, S, S] as pictures."""
    found: Pixels = (shares.expand(-1, 3, -1, -1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return found


def png(picture: Pixels) -> bytes:
    """Return a picture [H, W, 3] as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def side_by_side(columns: Sequence[tuple[str, Pixels]], scale: int) -> bytes:
    """Return rows of pictures under titles, as the bytes of a PNG file.

    Args:
        columns: Titles, and pictures [N, S, S, 3] of one N and S.
        scale: Each pixel is shown as a square of so many.

    Returns:
        The PNG file.
    """
    count, side = columns[0][1].shape[:2]
    step = side * scale + GAP
    sheet = Image.new("RGB", (step * len(columns) - GAP, TITLE + step * count - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (title, images) in enumerate(columns):
        draw.text((place * step + 2, 1), title, fill="black")
        for row, image in enumerate(images):
            larger = Image.fromarray(image).resize((side * scale, side * scale), Image.Resampling.NEAREST)
            sheet.paste(larger, (place * step, TITLE + row * step))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
