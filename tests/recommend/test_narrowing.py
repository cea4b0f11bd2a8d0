"""Narrowing keeps what weighted elites used, and says what it cut."""

from hypothesis import given
from hypothesis import strategies as st

from taskzoo.recommend.narrowing import narrow

OPTIONS = {"level": ["1", "2"], "op": ["skip", "pool", "sep", "dil"]}
ELITES = {
    "a": [{"op": "skip", "level": "1"}, {"op": "pool", "level": "1"}],
    "b": [{"op": "sep", "level": "2"}],
    "other": [{"depth": "3"}, {"op": "none", "level": "1"}],
}


def test_shares_and_cut_against_hand_computation() -> None:
    result = narrow(ELITES, {"a": 0.8, "b": 0.2}, OPTIONS, keep=0.3, explore=0.25)
    assert result.sources == {"a": 0.8, "b": 0.2}
    assert result.shares == {
        "level": {"1": 0.8, "2": 0.2},
        "op": {"skip": 0.4, "pool": 0.4, "sep": 0.2, "dil": 0.0},
    }
    assert result.keep == {"level": ["1"], "op": ["skip", "pool"]}
    assert result.cut == {"level": ["2"], "op": ["sep", "dil"]}
    assert (result.before, result.after) == (8, 2)
    assert (result.threshold, result.explore) == (0.3, 0.25)
    assert result.foreign == []
    assert result.reason == (
        "The search is narrowed from 8 architectures to 2 by the elites of a 0.80, b 0.20: options with a smaller "
        "share than 0.3 among them are cut; a share of 0.25 of the trials still looks at the whole space."
    )


def test_a_threshold_of_zero_cuts_what_no_elite_used() -> None:
    result = narrow(ELITES, {"a": 0.8, "b": 0.2}, OPTIONS, keep=0.0, explore=0.25)
    assert result.cut == {"level": [], "op": ["dil"]}
    assert (result.before, result.after) == (8, 6)


def test_no_sources_cut_nothing() -> None:
    result = narrow({}, {}, OPTIONS, keep=0.3, explore=0.25)
    assert result.keep == result.cut == {}
    assert result.shares == {}
    assert result.before == result.after == 8
    assert result.reason == "The search is not narrowed: no source is recommended."


def test_elites_of_another_space_have_no_say() -> None:
    result = narrow(ELITES, {"a": 0.5, "other": 0.3, "b": 0.2}, OPTIONS, keep=0.3, explore=0.25)
    assert result.foreign == ["other"]
    assert result.sources == {"a": 0.5 / 0.7, "b": 0.2 / 0.7}
    assert sum(result.shares["op"].values()) == sum(result.shares["level"].values()) == 1
    assert "b 0.29 (the elites of other are of another space): options" in result.reason
    alone = narrow(ELITES, {"other": 1.0}, OPTIONS, keep=0.3, explore=0.25)
    assert (alone.keep, alone.before, alone.after) == ({}, 8, 8)
    assert alone.reason == "The search is not narrowed: the elites of other are of another space."


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=9), st.floats(0, 0.99))
def test_every_decision_keeps_an_option(options: list[str], keep: float) -> None:
    result = narrow({"s": [{"op": option} for option in options]}, {"s": 1.0}, {"op": "abcdefg"}, keep, explore=0.0)
    assert result.keep["op"]
    assert set(result.keep["op"]) <= set(options)
    assert sorted(result.keep["op"] + result.cut["op"]) == list("abcdefg")
    assert result.after == len(result.keep["op"])
