"""The compiled kernel by itself; that it gives the right numbers is seen in test_exact."""

import subprocess
import sys
from itertools import product

import pytest
import torch
from torch.nn import functional

from taskzoo.fisher import kernel
from taskzoo.fisher.products import Geometry, Products

pytestmark = pytest.mark.usefixtures("compiled")

# A page that may not be read lies right behind the input.
BESIDE_A_FORBIDDEN_PAGE = """
import ctypes, mmap, sys, torch
from taskzoo.fisher import kernel
from taskzoo.fisher.products import Geometry
library, channels, groups, size = sys.argv[1], *map(int, sys.argv[2:])
torch.ops.load_library(library)
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 16 * page)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
assert not ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + 15 * page), page, 0)
count = channels * size * size
x = torch.frombuffer(memory, dtype=torch.float32, count=count, offset=15 * page - 4 * count)
x = x.view(1, size, size, channels).permute(0, 3, 1, 2)
kernel.squares(x, torch.ones(1, 2 * groups, size, size), Geometry((1, 1), (1, 1), (0, 0), (1, 1), groups), 1)
"""


@pytest.mark.parametrize(("channels", "groups"), [(32, 1), (33, 1), (32, 4), (64, 2), (64, 16), (5, 1)])
def test_it_reads_nothing_behind_its_input(channels: int, groups: int, library: str) -> None:
    command = [sys.executable, "-c", BESIDE_A_FORBIDDEN_PAGE, library, str(channels), str(groups), "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]


SHAPES = list(product([(3, 3), (1, 2), (1, 1)], [(1, 1), (2, 3)], [(0, 0), (1, 2)], [(1, 1), (1, 2)], [1, 2]))


@pytest.mark.parametrize("inputs", [2, 34, 64])
@pytest.mark.parametrize("outputs", [2, 26])
def test_squares_of_all_geometries(inputs: int, outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    for places, stride, padding, dilation, groups in SHAPES:
        geometry = Geometry(places, stride, padding, dilation, groups)
        x = torch.randn(6, inputs, 5, 7)
        weight = torch.randn(outputs, inputs // groups, *places)
        g = torch.randn_like(functional.conv2d(x, weight, None, stride, padding, dilation, groups))
        for samples, layout in product([6, 3], [torch.contiguous_format, torch.channels_last]):
            monkeypatch.setattr(kernel, "available", lambda: True)
            arranged = (x.contiguous(memory_format=layout), g.contiguous(memory_format=layout))
            found = Products(*arranged, samples, geometry, weight.shape).squares()
            monkeypatch.setattr(kernel, "available", lambda: False)
            wanted = Products(x.double(), g.double(), samples, geometry, weight.shape).squares()
            assert torch.allclose(found.double(), wanted, rtol=1e-4), (geometry, samples, layout)


def test_loading_it_leaves_small_numbers_alone() -> None:
    # Fast arithmetic linked in would turn these to zero in the whole process.
    assert (torch.tensor([1e-40]) * 1).item() > 0
