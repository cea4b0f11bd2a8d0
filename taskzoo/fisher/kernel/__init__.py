"""The optional compiled kernels: per-sample products squared in registers, so that no sample's gradient is stored.

``python -m taskzoo.fisher.kernel`` (``make kernel``) compiles them with the C++ compiler of the machine, for its
processor and its torch; they are used from then on.
Without them, torch's own products give the same numbers to rounding.
"""

import hashlib
import platform
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from taskzoo.fisher.products import Geometry

SOURCES = sorted(Path(__file__).parent.glob("*.cpp"))
DEPTHWISE = {(1, size, size) for size in (3, 5, 7)}


def library() -> Path:
    """Return where the library lies that fits this source, torch and processor."""
    flags = Path("/proc/cpuinfo")
    processor = (
        next((line for line in flags.read_text().splitlines() if line.startswith("flags")), "")
        if (flags.exists())
        else platform.machine()
    )
    parts = ([source.read_text() for source in SOURCES], torch.__version__, sys.version, processor)
    return Path(sys.prefix) / "lib" / f"taskzoo-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.so"


@cache
def available() -> bool:
    """Load the library if it was built; say whether it was."""
    path = library()
    if not path.exists():
        return False
    torch.ops.load_library(path)  # type: ignore[no-untyped-call]
    return True


def suits(x: Tensor, kernel: tuple[int, ...]) -> bool:
    """Tell whether the kernel can serve a layer: float32 on the CPU, at most two spatial axes."""
    return x.dtype == torch.float32 and x.device.type == "cpu" and len(kernel) <= 2 and available()


def squares(x: Tensor, g: Tensor, geometry: "Geometry", samples: int) -> Tensor:
    """Sum the squared products of all samples.

    Args:
        x: Input of the layer, [L, I, *S].
        g: Gradient of its output, [L, O, *S'].
        geometry: Of the layer.
        samples: N.

    Returns:
        [O, K I / groups], channels last.
    """
    move = (geometry.kernel, geometry.stride, geometry.padding, geometry.dilation, geometry.groups)
    out: Tensor = torch.ops.taskzoo.squares(x, g, *move, samples)
    return out


def suits_depthwise(x: Tensor, weight: Tensor) -> bool:
    """Tell whether the kernel can serve a depthwise layer: float32 on the CPU, a square of 3, 5 or 7 places each."""
    if len(weight) != x.shape[1]:
        return False
    shape = tuple(weight.shape[1:])
    return x.dtype == torch.float32 and x.device.type == "cpu" and shape in DEPTHWISE and available()


def depthwise(x: Tensor, g: Tensor, geometry: "Geometry") -> Tensor:
    """Return the gradients of a depthwise layer's weight, one an image.

    Args:
        x: Input of the layer, [L, C, H, W].
        g: Gradient of its output, [L, C, H', W'].
        geometry: Of the layer.

    Returns:
        [L, C, K, K].
    """
    out = torch.empty(*x.shape[:2], *geometry.kernel)
    move = (geometry.stride, geometry.padding, geometry.dilation)
    torch.ops.taskzoo.depthwise(out, x.contiguous(), g.contiguous(), *move)
    return out


def build() -> Path:
    """Compile the kernels, and load them, once a process; a compiler error is raised as torch tells it."""
    from tempfile import TemporaryDirectory

    from torch.utils.cpp_extension import load

    path = library()
    with TemporaryDirectory() as folder:
        flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp"]
        load(
            path.stem,
            [str(source) for source in SOURCES],
            extra_cflags=flags,
            is_python_module=False,
            build_directory=folder,
        )
        built = Path(folder) / f"{path.stem}.so"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(built.read_bytes())
    return path
