"""Committed pages say what the committed results say."""

from collections.abc import Sequence

import pytest

import benchmarks.__main__ as results
from benchmarks.dense.report import page as dense_page
from benchmarks.dense.settings import ENVIRONMENTS as DENSE_ENVIRONMENTS
from benchmarks.dense.settings import HERE as DENSE
from benchmarks.environment import environments
from benchmarks.published.evaluate import evaluate, headline
from benchmarks.published.report import page as published_page
from benchmarks.published.settings import ENVIRONMENTS as PUBLISHED_ENVIRONMENTS
from benchmarks.published.settings import HERE as PUBLISHED
from benchmarks.transfer.__main__ import ENVIRONMENTS
from benchmarks.transfer.evaluate import Evaluation, evaluations
from benchmarks.transfer.report import page as transfer_page
from benchmarks.transfer.settings import HERE as TRANSFER


@pytest.fixture(scope="module")
def cells() -> Sequence[Evaluation]:
    """The transfer benchmark's figures, which take some seconds."""
    return evaluations()


def test_results(cells: Sequence[Evaluation]) -> None:
    page = results.page(cells)
    assert results.PAGE.read_text() == page
    for line in page.splitlines():
        if line.startswith("!["):
            assert (results.PAGE.parent / line.split("](")[1].rstrip(")")).is_file()


def test_transfer(cells: Sequence[Evaluation]) -> None:
    assert (TRANSFER / "README.md").read_text() == transfer_page(cells, environments(ENVIRONMENTS))


def test_published() -> None:
    found = evaluate()
    expected = published_page(found, headline(found), environments(PUBLISHED_ENVIRONMENTS))
    assert (PUBLISHED / "README.md").read_text() == expected


def test_dense() -> None:
    assert (DENSE / "README.md").read_text() == dense_page(environments(DENSE_ENVIRONMENTS))
