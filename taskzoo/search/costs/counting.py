"""Costs that are counted, and are the same on every machine."""

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(weight.numel() for weight in network.parameters())


@torch.no_grad()
def count_macs(network: nn.Module, image: Tensor | list[Tensor]) -> int:
    """Return the multiply-accumulates on one image [1, 3, H, W], or its maps: half of torch's count of operations."""
    with FlopCounterMode(display=False) as counter:
        network(image)
    return int(counter.get_total_flops()) // 2


@torch.no_grad()
def count_memory(network: nn.Module, image: Tensor) -> int:
    """Return the bytes that inference holds at most at a time.

    Args:
        network: On the CPU, in evaluation mode.
        image: Its input.

    Returns:
        Bytes of weights, buffers and the input, which are there all the time, and of the largest set of outputs of
        operations that live at once. What an operation uses inside itself is not in it.
    """
    lasting: dict[int, int] = {
        tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes()
        for tensor in (*network.parameters(), *network.buffers(), image)
    }
    with _Living(lasting) as living:
        network(image)
    total: int = sum(lasting.values()) + living.peak
    return total


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages that operations make, for as long as they live.

    Args:
        lasting: Storages that are not counted, by their address.
    """

    def __init__(self, lasting: Iterable[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known = set(lasting)
        self._now, self.peak = 0, 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = operation(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._note(leaf.untyped_storage())
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        if address not in self._known:  # A view shares its storage.
            self._known.add(address)
            self._now += size
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._forget, address, size)

    def _forget(self, address: int, size: int) -> None:
        self._known.discard(address)
        self._now -= size
