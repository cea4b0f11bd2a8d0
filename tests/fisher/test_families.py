"""The Fisher of every architecture family of timm is exact, and docs/fisher-coverage.md tells how it is taken."""

from functools import cache
from pathlib import Path

import pytest
import timm
from torch import Tensor

from tests.fisher.coverage import EXACT, ROUNDED, SAMPLES, grouped, measure
from tests.fisher.families import FAMILIES, LEFT_OUT

PAGE = Path(__file__).parents[2] / "docs" / "fisher-coverage.md"


@cache
def documented() -> dict[str, str]:
    """Return the column of names one by one of the page's table, by key."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {key: names for key, _, _, _, names, _ in rows[2:]}


def test_every_family_is_here_or_left_out_for_a_reason() -> None:
    families = {key.partition("/")[0] for key in FAMILIES}
    assert families | set(LEFT_OUT) == set(timm.list_modules())
    assert not families & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_the_page_has_a_row_for_every_member() -> None:
    assert list(documented()) == list(FAMILIES)


@pytest.mark.parametrize("key", FAMILIES)
def test_exact_and_as_documented(key: str) -> None:
    found = measure(key)  # Fails where a parameter is missing.
    assert found.error < (1e-6 if key in ROUNDED else max(EXACT, 10 * found.rounding))
    assert found.passes == (SAMPLES if found.one_by_one else 0)
    assert (found.told or "none") == documented()[key], "run `python -m docs.coverage` if this is what it should be"


@pytest.mark.parametrize("key", ROUNDED)
def test_exact_but_for_its_own_casts(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    assert measure(key).error < EXACT


def test_names_are_grouped_by_module_and_number() -> None:
    lstm = [f"stages.{stage}.lstm.{name}" for stage in (0, 1) for name in ("weight", "bias")]
    assert grouped(lstm, [*lstm, "head"]) == "`stages.*.lstm.*` (4)"
    assert grouped(lstm[::2], lstm) == "`stages.*.lstm.weight` (2)"
    assert not grouped([], lstm)
