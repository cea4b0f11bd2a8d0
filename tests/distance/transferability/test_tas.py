"""The task affinity score: its matching against every other one, its distance by hand and against ftd."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.distance.ftd import ftd
from taskzoo.distance.transferability.tas import matching, tas
from taskzoo.errors import InputError
from tests.distance.examples import observation

pytestmark = pytest.mark.filterwarnings("error")
entries = st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=6, max_size=6)


def of(values: list[float]) -> dict[str, np.ndarray]:
    """Lay six values out as three tensors."""
    return {"conv": np.array(values[:4]).reshape(2, 1, 2), "bias": np.array(values[4:5]), "head": np.array(values[5:])}


@pytest.mark.parametrize(("ours", "theirs"), [(3, 3), (5, 3), (3, 5), (2, 4), (1, 1)])
def test_no_other_matching_costs_less(ours: int, theirs: int) -> None:
    rng = np.random.default_rng(ours)
    source, target = rng.normal(size=(ours, 4)), rng.normal(size=(theirs, 4))
    rows, columns = matching(source, target)
    few, many = (source, target) if ours <= theirs else (target, source)
    costs = [
        sum(math.dist(one, other) for one, other in zip(few, many[list(order)], strict=True))
        for order in permutations(range(len(many)), len(few))
    ]
    found = np.linalg.norm(source[rows] - target[columns], axis=1).sum()
    assert found == pytest.approx(min(costs))
    assert len(set(rows)) == len(set(columns)) == min(ours, theirs)
    assert rows.tolist() == sorted(rows)


def test_the_sum_decides_and_not_the_nearest() -> None:
    # 0 and 2 are nearest, but then 9 would have to go with -5.
    rows, columns = matching(np.array([[0.0], [9.0]]), np.array([[2.0], [-5.0]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])


def test_names_of_classes_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    source, target, order = rng.normal(size=(6, 3)), rng.normal(size=(4, 3)), rng.permutation(4)
    pairs = dict(zip(*(each.tolist() for each in matching(source, target)), strict=True))
    again = dict(zip(*(each.tolist() for each in matching(source, target[order])), strict=True))
    assert {row: int(order[column]) for row, column in again.items()} == pairs


def test_tas_by_hand() -> None:
    # (1, 3, 0) / 4 and (6, 1, 1) / 8: d^2 = 1 - sqrt(6 / 32) - sqrt(3 / 32).
    one, other = {"v": np.array([1.0]), "w": np.array([[3.0, 0.0]])}, {"v": np.array([6.0]), "w": np.array([[1.0, 1]])}
    assert tas(one, other) == pytest.approx(math.sqrt(1 - math.sqrt(6 / 32) - math.sqrt(3 / 32)), rel=1e-12)


@settings(deadline=None)
@given(f=entries, g=entries, factor=st.floats(0.01, 100))
def test_tas_is_the_distance_of_ftd_between_other_fishers(f: list[float], g: list[float], factor: float) -> None:
    found = tas(of(f), of(g))
    assert 0 <= found <= 1
    assert found == tas(of(g), of(f))
    assert tas(of(f), of(f)) == 0
    assert tas(of(f), of([factor * each for each in g])) == pytest.approx(found, abs=1e-6)
    if any(f) and any(g):
        assert found == pytest.approx(ftd(observation({**of(f)}), observation({**of(g)})), rel=1e-9)


def test_disjoint_support_and_zeros() -> None:
    nothing = [0.0] * 3
    assert tas(of([1.0, 2, 3, *nothing]), of([*nothing, 1, 2, 3])) == pytest.approx(1)
    assert tas(of([0.0] * 6), of([1.0] * 6)) == 1
    assert tas(of([0.0] * 6), of([0.0] * 6)) == 0


def test_different_networks_are_refused() -> None:
    with pytest.raises(InputError, match="hold different parameters"):
        tas({"w": np.ones(2)}, {"w": np.ones(3)})
