"""What a target can have without a search."""

from taskzoo.recommend.inheritance import Inherited, inherit

OPTIONS = {"level": ["1", "2"], "op": ["skip", "pool"]}
ELITES = {
    "a": [{"op": "skip", "level": "2"}, {"op": "pool", "level": "1"}],
    "b": [{"op": "pool", "level": "2"}],
    "mixed": [{"op": "none", "level": "1"}, {"op": "pool", "level": "1"}],
    "other": [{"depth": "3"}, {"op": "skip"}],
}


def test_it_is_the_best_architecture_of_the_best_source() -> None:
    assert inherit(ELITES, ["a", "b"], OPTIONS) == Inherited(source="a", architecture={"level": "2", "op": "skip"})
    assert inherit(ELITES, {"b": 0.5, "a": 0.5}, OPTIONS) == Inherited(source="b", architecture=ELITES["b"][0])


def test_architectures_of_another_space_are_passed_over() -> None:
    assert inherit(ELITES, ["mixed"], OPTIONS) == Inherited(source="mixed", architecture={"level": "1", "op": "pool"})
    assert inherit(ELITES, ["other", "b"], OPTIONS) == Inherited(source="b", architecture=ELITES["b"][0])
    assert inherit(ELITES, ["other"], OPTIONS) is None


def test_without_a_source_there_is_nothing_to_inherit() -> None:
    assert inherit(ELITES, [], OPTIONS) is None
