"""Settings of all tests."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

# Nothing is looked up on a hub; set before huggingface_hub reads it.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:
    # One process a core, one thread each; set before torch and numpy read it.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

SHARING = {"registry"}  # Rooms whose files share a store that takes long to make.
# What takes longest begins first, and what must wait for the same project does not begin beside what makes it.
FIRST = ("project/test_adapt", "fisher/test_families", "project/test_changes", "project/test_bad_input", "registry/")


class Rooms(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps the tests of a file in one process, and those of rooms that share what takes long."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        room = path.split("/")[1]
        return room if room in SHARING else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Rooms:
    """Tell pytest-xdist how to spread tests over processes: in the order of their collection."""
    config.option.loadscopereorder = False
    return Rooms(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest."""

    def place(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(f"tests/{start}")), len(FIRST))

    items.sort(key=place)
