"""What inference takes of a GPU's energy and power, by NVML: its counter of energy, and its sensor of power."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.search.costs.latency import machine_name
from taskzoo.search.metrics import Measured

BATCH = 32  # Images of one inference, so that a small network does not leave the GPU idle.
WINDOWS, SECONDS = 5, 1.0  # NVML renews and averages its readings over tens of milliseconds.
REST = 0.5  # Seconds of idling before the idle power is read.
BURST = 0.05  # Seconds of inference between two readings of the power.


class Meter(Protocol):
    """What is read."""

    def joules(self) -> float:
        """Return the energy drawn since some moment."""

    def watts(self) -> float:
        """Return the power drawn now."""


@dataclass(frozen=True)
class Window:
    """Some seconds of inference.

    Attributes:
        joules: Drawn in them.
        images: Seen in them.
        peak: Highest reading of the power, in watts.
    """

    joules: float
    images: int
    peak: float


def find_meter() -> Meter:
    """Return the meter of torch's current GPU.

    Returns:
        A meter that can be read.

    Raises:
        InputError: If there is no GPU, or its energy cannot be read.
    """
    if not torch.cuda.is_available():
        raise InputError(_not_measurable("there is no NVIDIA GPU"))
    try:
        import pynvml
    except ModuleNotFoundError as error:
        raise InputError(_not_measurable("nvidia-ml-py is missing: pip install 'taskzoo[energy]'")) from error
    try:
        pynvml.nvmlInit()
        meter = NvmlMeter(pynvml, f"GPU-{torch.cuda.get_device_properties().uuid}")
        meter.joules(), meter.watts()
    except pynvml.NVMLError as error:
        raise InputError(_not_measurable(f"NVML says: {error}")) from error
    return meter


def _not_measurable(reason: str) -> str:
    return (
        f"energy and peak_power are not measurable here ({reason}); expected an NVIDIA GPU whose counters can be read; "
        "choose another cost, such as macs or latency, in search.reward and search.costs."
    )


class NvmlMeter:
    """Reads one GPU.

    Args:
        nvml: The module, initialised.
        uuid: Of the GPU.
    """

    def __init__(self, nvml: Any, uuid: str) -> None:
        self._nvml = nvml
        self._gpu = nvml.nvmlDeviceGetHandleByUUID(uuid)

    def joules(self) -> float:
        """Return the energy since the driver was loaded."""
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._gpu)) / 1000

    def watts(self) -> float:
        """Return the power of the last sampling period."""
        return float(self._nvml.nvmlDeviceGetPowerUsage(self._gpu)) / 1000


def measure_energy(network: nn.Module, image: Tensor, meter: Meter) -> dict[str, Measured]:
    """Measure inference on batches of ``BATCH`` copies of one image.

    Args:
        network: In evaluation mode; is moved to the GPU.
        image: [1, 3, H, W].
        meter: Of the GPU.

    Returns:
        ``energy`` in joules an image, ``peak_power`` in watts; idle power is in both, and is not taken off.
    """
    network, images = network.cuda(), image.cuda().expand(BATCH, -1, -1, -1).contiguous()

    @torch.inference_mode()
    def infer(times: int) -> int:
        for _ in range(times):
            network(images)
        torch.cuda.synchronize()
        return times * BATCH

    infer(1)
    torch.cuda.synchronize()
    time.sleep(REST)
    idle = meter.watts()
    times = calibrate(infer)
    windows = [watch(lambda: infer(times), meter) for _ in range(WINDOWS)]
    return summarise(windows, machine_name(), idle)


def calibrate(infer: Callable[[int], int], clock: Callable[[], float] = time.perf_counter) -> int:
    """Return how many inferences take ``BURST`` seconds, by powers of two."""
    times = 1
    while True:
        start = clock()
        infer(times)
        if clock() - start >= BURST:
            return times
        times *= 2


def watch(burst: Callable[[], int], meter: Meter, clock: Callable[[], float] = time.perf_counter) -> Window:
    """Repeat bursts of inference for ``SECONDS`` at least.

    Args:
        burst: Runs until its work is done, and returns how many images it has seen.
        meter: Read before, after, and after every burst.
        clock: In seconds.

    Returns:
        What was drawn.
    """
    before, start, images, peak = meter.joules(), clock(), 0, 0.0
    while clock() - start < SECONDS:
        images += burst()
        peak = max(peak, meter.watts())
    return Window(meter.joules() - before, images, peak)


def summarise(windows: list[Window], machine: str, idle: float) -> dict[str, Measured]:
    """Return joules an image and peak watts: median and interquartile range over windows."""
    values = {
        "energy": [window.joules / window.images for window in windows],
        "peak_power": [window.peak for window in windows],
    }
    return {
        name: Measured(
            median=median(each),
            spread=float(np.subtract(*np.percentile(each, [75, 25]))),
            repeats=len(each),
            machine=machine,
            idle_power=idle,
        )
        for name, each in values.items()
    }
