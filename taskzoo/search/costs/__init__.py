"""What a network costs: what it holds, and what it takes of time, energy and power on this machine."""

from collections.abc import Collection
from typing import Any

from torch import Tensor, nn

from taskzoo.params import CostName
from taskzoo.search.costs.counting import count_macs, count_memory, count_parameters
from taskzoo.search.costs.energy import find_meter, measure_energy
from taskzoo.search.costs.latency import measure_latency

BY_METER = frozenset({"energy", "peak_power"})


def check_measurable(wanted: Collection[CostName]) -> None:
    """Refuse costs that need a meter where there is none, before anything is trained."""
    if BY_METER & set(wanted):
        find_meter()


def measure_costs(network: nn.Module, image: Tensor, wanted: Collection[CostName]) -> dict[str, Any]:
    """Return a network's costs, of inference.

    Args:
        network: Over images, on the CPU, in evaluation mode; may be moved to the device.
        image: One, [1, 3, H, W], normalised.
        wanted: Those measured beside parameters and multiply-accumulates, which always are.

    Returns:
        Fields of ``Metrics``.
    """
    found: dict[str, Any] = {"parameters": count_parameters(network), "macs": count_macs(network, image)}
    if "memory" in wanted:
        found["memory"] = count_memory(network, image)
    if "latency" in wanted:
        found["latency"] = measure_latency(network, image)
    if BY_METER & set(wanted):
        found |= measure_energy(network, image, find_meter())
    return found
