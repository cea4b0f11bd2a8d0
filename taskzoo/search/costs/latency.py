"""How long one inference takes on this machine."""

import platform
from pathlib import Path

import torch
from torch import Tensor, nn

from taskzoo.probe.network import device
from taskzoo.search.metrics import Measured

SECONDS = 0.3  # Of timed inferences; torch's timer warms up first.


def measure_latency(network: nn.Module, image: Tensor) -> Measured:
    """Time inference on one image, by one thread where the device is the processor.

    Args:
        network: In evaluation mode; is moved to the device.
        image: [1, 3, H, W].

    Returns:
        Milliseconds: median and interquartile range over timed blocks.
    """
    from torch.utils.benchmark import Timer  # Where there is no GPU, its import says so on standard error.

    network, image = network.to(device()), image.to(device())
    with torch.inference_mode():
        timed = Timer("network(image)", globals={"network": network, "image": image}, num_threads=1)
        found = timed.blocked_autorange(min_run_time=SECONDS)
    return Measured(
        median=1000 * found.median, spread=1000 * found.iqr, repeats=len(found.times), machine=machine_name()
    )


def machine_name() -> str:
    """Return the name of the accelerator, or of the processor where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()


def processor_name() -> str:
    """Return the processor's name, as far as the system tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
