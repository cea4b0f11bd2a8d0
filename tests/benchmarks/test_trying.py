"""The chooser who tried every source on half of the draws: by hand, and on made-up truths of known noise."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.transfer import trying
from benchmarks.transfer.metrics import halves
from tests.benchmarks.examples import SIZE, made, truth


def test_trying_half_of_the_draws_is_ahead_of_noise_and_level_with_the_truth() -> None:
    found = made(0, 1, 0.1)
    noise = np.random.default_rng(0).normal(size=found.mean.shape)[..., None]
    assert trying.ahead(found, noise).mean() > 0.8
    assert trying.ahead(found, found.mean[..., None]).mean() == pytest.approx(0, abs=0.05)
    assert trying.ahead(made(0, 0, 1), noise).mean() == pytest.approx(0, abs=0.1)


def test_who_tried_is_judged_by_draws_that_were_not_tried() -> None:
    found = made(0, 1, 1, draws=5)
    (tried, judge), (other_tried, other_judge) = halves(found)
    np.testing.assert_array_equal(tried.values, found.values[..., [0, 2]])
    np.testing.assert_array_equal(judge.values, found.values[..., [1, 3]])
    assert (other_tried, other_judge) == (judge, tried)


def test_the_regret_of_who_tried_is_a_perfect_choosers_where_trying_tells_all() -> None:
    assert trying.excess(made(0, 1, 0.001)) == pytest.approx(0, abs=1e-3)
    blind = np.random.default_rng(0).normal(size=(SIZE, SIZE + 1, 50))
    assert trying.excess(made(0, 1, 0.001), blind) > 1
    # Without any difference between sources there is nothing to be lost.
    assert trying.excess(made(0, 0, 1)) == pytest.approx(0, abs=0.2)


def test_who_tried_answers_by_a_t_test_on_what_was_tried() -> None:
    values = np.full((SIZE, SIZE + 1, 4), 0.5)
    values[:, 3] += np.array([0.1, 0.2, 0.3, -0.4])
    values[3, 3] = np.nan
    values[3, 4] += np.array([0.1, 0.2, 0.3, -0.4])
    found = trying.choices(truth(values), "all")
    # Tried on draws 0 and 2 its gains are .1 and .3; of the targets' SIZE - 1 sources it alone has noise.
    noise = np.sqrt(0.02 / (SIZE - 1) / 2)
    assert found.probability[0, 0] == pytest.approx(stats.t.cdf(0.2 / noise, 1))
    assert found.gain[0, 0] == pytest.approx((0.2 - 0.4) / 2)
    assert found.gain[0, 1] == pytest.approx(0.0)  # Tried on the others, none is better than no transfer.
    assert found.probability[0, 1] == pytest.approx(0.5)
