"""Advice: ranking and narrowing together, on disk and back."""

from pathlib import Path

import pytest

from taskzoo.errors import InputError
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.advice import advise, load_advice, save_advice
from taskzoo.recommend.inheritance import Inherited
from tests.recommend.columns import column as column_of

PARAMS = RecommendParams(measure="ftd", confidence=0.75, keep=0.2)
ELITES = {"near": [{"op": "skip"}], "far": [{"op": "pool"}]}
OPTIONS = {"op": ["skip", "pool", "sep"]}


def test_only_recommended_sources_narrow_and_files_come_back(tmp_path: Path) -> None:
    column = {"near": [0.1, 0.1], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
    advice = advise(column_of({"ftd": column}), ELITES, OPTIONS, PARAMS, explore=0.25)
    assert advice.narrowing.keep == {"op": ["skip"]}
    assert advice.inherited == Inherited(source="near", architecture={"op": "skip"})
    save_advice(tmp_path / "a.json", advice)
    assert load_advice(tmp_path / "a.json") == advice


def test_abstaining_cuts_nothing() -> None:
    column = {"near": [0.6, 0.6], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
    advice = advise(column_of({"ftd": column}), ELITES, OPTIONS, PARAMS, explore=0.25)
    assert advice.recommendation.recommended == []
    assert advice.narrowing.keep == advice.narrowing.cut == {}
    assert advice.inherited is None
    assert advice.narrowing.before == advice.narrowing.after == 3


def test_elites_of_another_space_are_not_inherited() -> None:
    column = {"near": [0.1, 0.1], "far": [0.9, 0.9], NO_TRANSFER: [0.5, 0.5]}
    advice = advise(column_of({"ftd": column}), ELITES, {"depth": ["1", "2"]}, PARAMS, explore=0.25)
    assert advice.recommendation.recommended == ["near"]
    assert advice.inherited is None


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json cannot be read"):
        load_advice(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match=r"bad\.json is damaged: the key 'recommendation' is missing"):
        load_advice(tmp_path / "bad.json")
