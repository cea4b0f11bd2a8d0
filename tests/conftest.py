"""Settings of all tests."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

# Nothing is looked up on a hub; set before huggingface_hub reads it.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:
    # One process a core, one thread each; set before torch and numpy read it.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

SHARING = {"project", "registry"}  # Rooms whose files share a store or a project that takes long to make.


class Rooms(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps the tests of a file in one process, and those of rooms that share what takes long."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        room = path.split("/")[1]
        return room if room in SHARING else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Rooms:
    """Tell pytest-xdist how to spread tests over processes."""
    return Rooms(config, log)
