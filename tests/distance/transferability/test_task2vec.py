"""Task2Vec's embedding and distances by hand, against scipy's cosine, and what must hold for all values."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from taskzoo.distance.transferability.task2vec import ALPHA, embedding, task2vec, task2vec_asymmetric

pytestmark = pytest.mark.filterwarnings("error")
entries = st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=5, max_size=5).map(np.array)


def test_the_embedding_is_the_mean_of_each_filter_in_name_order() -> None:
    diagonal = {
        "conv": np.array([[[1.0, 3.0]], [[0.0, 0.0]]]),
        "bias": np.array([2.0, 4.0]),
        "gain": np.array(5.0),
    }
    assert embedding(diagonal).tolist() == [2, 4, 2, 0, 5]


def test_by_hand() -> None:
    a, b = np.array([1.0, 3.0]), np.array([6.0, 2.0])
    # Shares 1/7, 3/5 and 6/7, 2/5.
    wanted = cosine([1 / 7, 3 / 5], [6 / 7, 2 / 5])
    assert task2vec(a, b) == pytest.approx(wanted, rel=1e-6)
    # The task without information has the mean 4 of b: shares 1/5, 3/7 and 4/5, 4/7.
    complexity = cosine([1 / 5, 3 / 7], [4 / 5, 4 / 7])
    assert task2vec_asymmetric(a, b) == pytest.approx(wanted - 0.15 * complexity, rel=1e-6)


def test_a_filter_that_matters_to_one_task_only() -> None:
    # Shares 1, 1/2 and 0, 1/2; the third matters to none.
    assert task2vec(np.array([3.0, 1, 0]), np.array([0.0, 1, 0])) == pytest.approx(cosine([1, 0.5], [0, 0.5]), abs=1e-7)


def test_a_task_is_nearer_the_more_it_differs_from_the_one_without_information() -> None:
    target = np.array([1.0, 1, 2, 2])
    for source in (np.full(4, 7.0), np.array([2.0, 2, 1, 1]), np.array([900.0, 2, 1, 1])):
        complexity = task2vec(source, np.full(4, 1.5))
        assert task2vec(source, target) - task2vec_asymmetric(source, target) == pytest.approx(ALPHA * complexity)
    assert task2vec_asymmetric(np.full(4, 7.0), target) == task2vec(np.full(4, 7.0), target)


@settings(deadline=None)
@given(a=entries, b=entries, factor=st.floats(1e-3, 1e3))
def test_range_symmetry_and_scale(a: np.ndarray, b: np.ndarray, factor: float) -> None:
    found = task2vec(a, b)
    assert 0 <= found <= 1
    assert task2vec(b, a) == pytest.approx(found, abs=1e-12)
    assert task2vec(a, a) == 0
    assert task2vec(a, factor * a) == pytest.approx(0, abs=1e-12)
    assert task2vec(factor * a, factor * b) == pytest.approx(found, abs=1e-9)
    asymmetric = task2vec_asymmetric(a, b)
    assert -ALPHA <= asymmetric <= 1
    assert task2vec_asymmetric(factor * a, factor * b) == pytest.approx(asymmetric, abs=1e-9)


@settings(deadline=None)
@given(a=entries, b=entries)
def test_tasks_without_a_common_filter_are_at_distance_one(a: np.ndarray, b: np.ndarray) -> None:
    assume(a.any())
    assume(b.any())
    nothing = np.zeros(5)
    assert task2vec(np.concatenate([a, nothing]), np.concatenate([nothing, b])) == pytest.approx(1)
    assert task2vec(a, nothing) == task2vec(nothing, a) == 1


def test_two_tasks_to_which_nothing_matters_are_equal() -> None:
    assert task2vec(np.zeros(3), np.zeros(3)) == task2vec_asymmetric(np.zeros(3), np.zeros(3)) == 0
