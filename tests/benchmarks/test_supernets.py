"""Figures of the supernet benchmark, by hand."""

from typing import Any

import pandas as pd
import pytest

from benchmarks.supernets import paths, relaxed, report
from benchmarks.supernets.settings import PATH_STEPS, SEEDS, SPACES
from taskzoo.search.strategies.en2as import ARCHIVE


def test_means_and_spreads_by_group() -> None:
    table = pd.DataFrame({"space": ["a", "a", "b"], "tau": [0.1, 0.3, 0.5]})
    found = report.summary(table, ["space"], ("tau",))
    assert found["a"]["seeds"] == 2
    assert found["a"]["tau"] == pytest.approx((0.2, 0.02**0.5))
    assert found["b"]["seeds"] == 1


def entries(lost: dict[str, float], sizes: list[float], tau: dict[str, float]) -> dict[str, Any]:
    """Return figures of which every space has the same."""
    return {
        "inheritance": {
            f"{space} {name}": {
                "seeds": SEEDS,
                "parent": (0.5, 0.0),
                "child": (0.5 - lost[name], 0.0),
                "retrained": (0.505, 0.0),
            }
            for space in SPACES
            for name in relaxed.STRATEGIES
        },
        "sizes": {
            str(weight): {"seeds": SEEDS, "parameters": (size, 0.0)}
            for weight, size in zip(relaxed.WEIGHTS, sizes, strict=True)
        },
        "paths": {name: {"seeds": SEEDS, "tau": (value, 0.0)} for name, value in tau.items()},
    }


FALLING = [float(10 - place) for place in range(len(relaxed.WEIGHTS))]


def test_claims_need_every_seed_and_follow_the_means() -> None:
    good = entries({"snas": 0.0, "mixture": 0.1}, FALLING, {"one_shot": 0.1, "en2as": 0.2})
    assert set(report.claims(good).values()) == {True}
    bad = entries({"snas": 0.1, "mixture": 0.0}, FALLING[::-1], {"one_shot": 0.2, "en2as": 0.1})
    assert set(report.claims(bad).values()) == {False}
    good["paths"]["en2as"]["seeds"] = SEEDS - 1
    assert report.claims(good) == {"measured": False}


@pytest.mark.parametrize("name", paths.STRATEGIES)
def test_variety_is_that_of_the_paths_that_are_trained(name: str) -> None:
    found = paths.variety(name, 0)
    assert len(found) == len(paths.VARIETY) == PATH_STEPS // ARCHIVE
    assert all(0.75 < value < 0.85 for value in found)  # A share of 4 in 5 differs, of two uniform paths.
