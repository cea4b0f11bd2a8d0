"""The Fisher with and without its compiled kernel."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from taskzoo.fisher import kernel

BUILD = """
import pathlib, sys
from taskzoo.fisher import kernel
kernel.library = lambda: pathlib.Path(sys.argv[1])
kernel.build()
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep the small networks of these tests from waking threads for nothing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the kernel's file: the one that was built for this source, or one built now in a temporary folder."""
    path = kernel.library()
    if path.exists():
        return str(path)
    if shutil.which("c++") is None or shutil.which("ninja") is None:
        pytest.skip("the kernel is not built, and there is no C++ compiler or no ninja to build it with")
    built = tmp_path_factory.mktemp("kernel") / path.name
    # In a process of its own: torch loads what it has built, and this process could not load it a second time.
    subprocess.run([sys.executable, "-c", BUILD, str(built)], check=True, capture_output=True)
    return str(built)


@pytest.fixture(scope="session")
def compiled(library: str) -> None:
    """Load the kernel."""
    if not kernel.available():
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]


@pytest.fixture(params=["compiled", "plain"])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return whether the products of a test are the kernel's or torch's own."""
    kind: str = request.param
    if kind == "compiled":
        request.getfixturevalue("compiled")
    monkeypatch.setattr(kernel, "available", lambda: kind == "compiled")
    return kind
