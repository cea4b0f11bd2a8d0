"""Measures between Fishers: hand-computed cases and what must hold for all values."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from taskzoo.distance import vectors
from taskzoo.distance.appearance import appearance
from taskzoo.distance.catalogue import MEASURES
from taskzoo.distance.fisher_frobenius import fisher_frobenius
from taskzoo.distance.fisher_relative import fisher_relative
from taskzoo.distance.ftd import ftd, ftd_reference_squared
from taskzoo.distance.ftd_layerwise import ftd_layerwise
from taskzoo.distance.logdet import logdet
from taskzoo.distance.protocol import Measure, Pair
from taskzoo.errors import InputError
from taskzoo.fisher.observation import Observation
from tests.distance.examples import observation

ONE = observation({"v": [1.0], "w": [[3.0, 0.0]]})
OTHER = observation({"v": [6.0], "w": [[1.0, 1.0]]})

Values = list[float]
entries = st.lists(st.floats(0, 1e6) | st.floats(0, 1e-6), min_size=6, max_size=6)
FISHER_MEASURES = [name for name, one in MEASURES.items() if one.needs == {"fisher"}]


def of(values: Values) -> dict[str, object]:
    """Lay six values out as three tensors."""
    return {"conv": np.array(values[:4]).reshape(2, 1, 2), "bias": values[4:5], "scale": values[5:]}


def value_of(one: Measure, ab: Observation, bb: Observation) -> float:
    """Return a measure's value where the images do not matter."""
    looks = appearance([bb])
    return one.function(Pair(ab, bb, looks, looks))


def test_ftd_by_hand() -> None:
    # f = (1, 3, 0)/4 and g = (6, 1, 1)/8: d^2 = 1 - sum sqrt(f g) = 1 - sqrt(6/32) - sqrt(3/32).
    wanted = 1 - math.sqrt(6 / 32) - math.sqrt(3 / 32)
    assert ftd(ONE, OTHER) == pytest.approx(math.sqrt(wanted), rel=1e-12)
    assert ftd_reference_squared(ONE, OTHER) == pytest.approx(wanted, rel=1e-12)


def test_ftd_layerwise_by_hand() -> None:
    # v: one entry each, so 0. w: (1, 0) against (1/2, 1/2): d^2 = 1 - sqrt(1/2).
    assert ftd_layerwise(ONE, OTHER) == pytest.approx(math.sqrt(1 - math.sqrt(0.5)) / 2, rel=1e-12)


def test_ftd_layerwise_leaves_out_tensors_of_rounding_only() -> None:
    one = observation({"v": [1.0, 3.0], "noise": [1e-20, 0.0]})
    other = observation({"v": [3.0, 1.0], "noise": [0.0, 3e-19]})
    alone = ftd_layerwise(observation({"v": [1.0, 3.0]}), observation({"v": [3.0, 1.0]}))
    assert ftd_layerwise(one, other) == alone
    half_dead = observation({"v": [3.0, 1.0], "noise": [0.0, 3.0]})
    assert ftd_layerwise(one, half_dead) == pytest.approx((alone + 1) / 2)


def test_fisher_relative_by_hand() -> None:
    # Filters of w: mean 1.5 and 1. Ratios f/(f+g): 1/7, 3/5; g/(f+g): 6/7, 2/5.
    u, v = np.array([1 / 7, 3 / 5]), np.array([6 / 7, 2 / 5])
    wanted = 1 - u @ v / math.sqrt(u @ u * (v @ v))
    assert fisher_relative(ONE, OTHER) == pytest.approx(wanted, rel=1e-6)


def test_logdet_by_hand() -> None:
    # Means 4/3 and 8/3: s^2 = 2e-6.
    small = 2e-6
    logs = [math.log(f + small) - math.log(g + small) for f, g in zip([1, 3, 0], [6, 1, 1], strict=True)]
    assert logdet(ONE, OTHER) == pytest.approx(abs(sum(logs)) / 3, rel=1e-12)
    doubled = observation({"w": [2.0, 4.0]})
    assert logdet(doubled, observation({"w": [1.0, 2.0]})) == pytest.approx(math.log(2), rel=1e-5)


def test_fisher_frobenius_by_hand() -> None:
    # Roots (1, sqrt 3, 0) and (sqrt 6, 1, 1).
    wanted = math.sqrt((1 - math.sqrt(6)) ** 2 + (math.sqrt(3) - 1) ** 2 + 1)
    assert fisher_frobenius(ONE, OTHER) == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(InputError, match="hold different parameters"):
        fisher_frobenius(ONE, observation({"v": [1.0], "w": [[3.0]]}))


@settings(deadline=None)
@given(f=entries, g=entries, h=entries, factor=st.floats(0.01, 100))
def test_fisher_frobenius_is_a_metric_that_grows_with_the_unit(f: Values, g: Values, h: Values, factor: float) -> None:
    a, b, c = (observation(of(values)) for values in (f, g, h))
    value = fisher_frobenius(a, b)
    assert value == fisher_frobenius(b, a)
    assert fisher_frobenius(a, a) == 0
    assert fisher_frobenius(a, c) <= (value + fisher_frobenius(b, c)) * (1 + 1e-9)
    scaled = (observation(of([factor * x for x in values])) for values in (f, g))
    assert fisher_frobenius(*scaled) == pytest.approx(math.sqrt(factor) * value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", FISHER_MEASURES)
@settings(deadline=None)
@given(f=entries, g=entries)
def test_range_zero_diagonal_and_scale(name: str, f: Values, g: Values) -> None:
    assume(sum(f) > 1e-12)
    assume(sum(g) > 1e-12)
    one, a, b = MEASURES[name], observation(of(f)), observation(of(g))
    value = value_of(one, a, b)
    assert one.range[0] <= value <= one.range[1]
    assert value_of(one, a, a) == 0
    both = observation(of([8 * x for x in f])), observation(of([8 * x for x in g]))
    assert value_of(one, *both) == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["ftd", "ftd_reference_squared", "ftd_layerwise"])
@settings(deadline=None)
@given(f=entries, g=entries, factor=st.floats(0.01, 100))
def test_ftd_does_not_see_the_scale_of_one_side(name: str, f: Values, g: Values, factor: float) -> None:
    assume(sum(f) > 1e-6)
    assume(sum(g) > 1e-6)
    one, a, b = MEASURES[name], observation(of(f)), observation(of(g))
    scaled = observation(of([factor * x for x in f]))
    assert value_of(one, scaled, b) == pytest.approx(value_of(one, a, b), abs=1e-6)


@settings(deadline=None)
@given(f=entries, g=entries)
def test_ftd_is_one_on_disjoint_support_only(f: Values, g: Values) -> None:
    assume(sum(f[:3]) > 1e-6)
    assume(sum(g[3:]) > 1e-6)
    apart = observation({"w": f[:3] + [0.0] * 3}), observation({"w": [0.0] * 3 + g[3:]})
    assert ftd(*apart) == pytest.approx(1)
    near = observation({"w": [1.0] * 6}), observation({"w": [1.0] * 5 + [1.0 + 1e-7]})
    assert 0 < ftd(*near) < 1e-6


@settings(deadline=None)
@given(f=entries, g=entries, h=entries)
def test_ftd_is_a_metric_on_normalised_diagonals(f: Values, g: Values, h: Values) -> None:
    assume(min(sum(f), sum(g), sum(h)) > 1e-6)
    a, b, c = (observation({"w": values}) for values in (f, g, h))
    assert ftd(a, c) <= ftd(a, b) + ftd(b, c) + 1e-9


@pytest.mark.parametrize("name", FISHER_MEASURES)
def test_different_networks_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="hold different parameters"):
        value_of(MEASURES[name], ONE, observation({"v": [1.0], "w": [[3.0]]}))


@pytest.mark.parametrize("name", FISHER_MEASURES)
def test_scalar_parameters_count(name: str) -> None:
    one, other = observation({"gain": 1.0, "w": [1.0, 2.0]}), observation({"gain": 5.0, "w": [1.0, 2.0]})
    assert value_of(MEASURES[name], one, one) == 0
    assert name == "ftd_layerwise" or value_of(MEASURES[name], one, other) > 0


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(vectors).attempted > 0
    assert doctest.testmod(vectors).failed == 0
