"""Decisions, their encoding and their restriction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.errors import InputError
from taskzoo.search.models import ModelSpace
from taskzoo.search.space import Choice, decode, encode, narrow, sample, size

OPTIONS = ("a", "b", "c", "d")


@st.composite
def choices(draw: st.DrawFn) -> tuple[Choice, ...]:
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    return tuple(Choice(f"d{index}", OPTIONS[:count]) for index, count in enumerate(counts))


class Plain(ModelSpace):
    """Any decisions; no networks are built here."""

    def __init__(self, decisions: tuple[Choice, ...]) -> None:
        self.choices = decisions


@given(choices(), st.integers(0, 2**31))
def test_encode_undoes_decode(decisions: tuple[Choice, ...], seed: int) -> None:
    space = Plain(decisions)
    architecture = sample(space, np.random.default_rng(seed))
    assert encode(space, decode(space, architecture)) == architecture


@given(choices(), st.data())
def test_restricting_keeps_order_and_meaning(decisions: tuple[Choice, ...], data: st.DataObject) -> None:
    named = data.draw(st.sets(st.sampled_from([choice.name for choice in decisions])))
    keep = {
        choice.name: data.draw(st.lists(st.sampled_from(choice.options), min_size=1))
        for choice in decisions
        if choice.name in named
    }
    narrowed = narrow(decisions, keep)
    expected = 1
    for before, after in zip(decisions, narrowed, strict=True):
        wanted = set(keep.get(before.name, before.options))
        assert after.options == tuple(option for option in before.options if option in wanted)
        expected *= len(wanted)
    assert size(Plain(narrowed)) == expected
    assert narrow(narrowed, keep) == narrowed
    inside = decode(Plain(narrowed), sample(Plain(narrowed), np.random.default_rng(0)))
    assert decode(Plain(decisions), encode(Plain(decisions), inside)) == inside


@pytest.mark.parametrize(
    ("keep", "found"),
    [({"other": ["a"]}, "other"), ({"x": ["z"]}, "'z'"), ({"x": []}, "no option")],
)
def test_a_wrong_restriction_is_named(keep: dict[str, list[str]], found: str) -> None:
    with pytest.raises(InputError, match=found):
        narrow((Choice("x", ("a", "b")),), keep)


def test_encoding_names_what_is_missing_or_unknown() -> None:
    space = Plain((Choice("x", ("a", "b")), Choice("y", ("a",))))
    with pytest.raises(InputError, match="expected exactly x, y"):
        encode(space, {"x": "a"})
    with pytest.raises(InputError, match="no option 'c'"):
        encode(space, {"x": "c", "y": "a"})


def test_sampling_reaches_every_architecture() -> None:
    space = Plain((Choice("x", ("a", "b")), Choice("y", ("a", "b", "c"))))
    rng = np.random.default_rng(0)
    assert len({sample(space, rng) for _ in range(100)}) == size(space) == 6
