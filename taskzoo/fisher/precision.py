"""In which number format the passes run; sums of squares are kept in float64 whatever it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from taskzoo.errors import InputError

Precision = Literal["float32", "tf32", "bf16"]


@contextmanager
def working_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Let matrix products and convolutions run in a format, as the model is where it is "float32".

    Args:
        precision: "tf32" and "bf16" are a GPU's.
        device: Of the model.

    Yields:
        Nothing.

    Raises:
        InputError: If the device cannot.
    """
    if precision != "float32" and device.type != "cuda":
        raise InputError(
            f"precision is {precision!r} on the device {device.type!r}; expected 'float32' there, since only a GPU "
            "gains by it; leave it out."
        )
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
