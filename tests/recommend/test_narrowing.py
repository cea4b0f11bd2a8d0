"""Narrowing keeps what weighted elites used."""

from hypothesis import given
from hypothesis import strategies as st

from taskzoo.recommend.narrowing import narrow


def test_shares_and_cut_against_hand_computation() -> None:
    elites = {
        "a": [{"op": "skip", "level": "1"}, {"op": "pool", "level": "1"}],
        "b": [{"op": "sep", "level": "2"}],
    }
    result = narrow(elites, {"a": 0.8, "b": 0.2}, keep=0.3)
    assert result.shares == {"level": {"1": 0.8, "2": 0.2}, "op": {"pool": 0.4, "sep": 0.2, "skip": 0.4}}
    assert result.keep == {"level": ["1"], "op": ["pool", "skip"]}


def test_no_sources_cut_nothing() -> None:
    assert narrow({}, {}, keep=0.3).keep == {}


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9), st.floats(0, 0.99))
def test_every_decision_keeps_an_option(options: list[str], keep: float) -> None:
    result = narrow({"s": [{"op": option} for option in options]}, {"s": 1.0}, keep)
    assert result.keep["op"]
    assert set(result.keep["op"]) <= set(options)
