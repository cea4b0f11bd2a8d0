"""One method's memory on one case, in a process of its own: ``python -m benchmarks.fisher.memory ARGUMENT``.

It writes to a file by how many bytes the high-water mark rises above the loaded network and batch, when the method
is prepared and run once, and the mark itself. On the CPU it is the resident memory's, reset through Linux'
``clear_refs``; on a GPU that of torch's allocator. A pass over one image comes first, which loads libraries.
"""

import gc
import sys
from pathlib import Path

import torch

from benchmarks.fisher.rivals import METHODS
from benchmarks.fisher.settings import decode
from benchmarks.fisher.workload import load
from taskzoo.files import write_json


def main() -> None:
    """Measure the case and method of the argument."""
    case, settings, more = decode(sys.argv[1])
    prepare = METHODS[more["method"]]
    work = load(case, settings)
    prepare(work.model, work.images[:1], work.labels[:1])()
    gc.collect()
    before = reset(settings.device)
    result = prepare(work.model, work.images, work.labels)()
    peak = high_water_mark(settings.device)
    write_json(Path(more["path"]), {"above": peak - before, "peak": peak, "tensors": len(result)})


def reset(device: str) -> int:
    """Set the high-water mark to the memory in use, in bytes, and return it."""
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")
    return high_water_mark(device)


def high_water_mark(device: str) -> int:
    """Return the most memory in use since the reset, in bytes."""
    if device == "cuda":
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated()
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10


if __name__ == "__main__":
    main()
