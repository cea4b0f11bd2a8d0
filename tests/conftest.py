"""Settings of all tests."""

import os
from pathlib import Path

import pytest

# Nothing is looked up on a hub; set before huggingface_hub reads it.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:
    # One process a core, one thread each; set before torch and numpy read it.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

HERE = Path(__file__).parent
SHARING = {"project", "registry"}  # Rooms whose files share a store or a project that takes long to make.


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and those of rooms that share what takes long."""
    for item in items:
        path = item.path.relative_to(HERE)
        item.add_marker(pytest.mark.xdist_group(path.parts[0] if path.parts[0] in SHARING else str(path)))
