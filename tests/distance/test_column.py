"""The column of distances of one target."""

import pytest
from pydantic import ValidationError

from taskzoo.distance.matrix import DistanceColumn, Distances, References
from taskzoo.distance.protocol import MeasureFacts

FACTS = {
    "ftd": MeasureFacts(lower_is_closer=True, symmetric=False, range=(0, 1), needs_labels=True, dense=True, source="a"),
    "ridge_loo": MeasureFacts(
        lower_is_closer=False, symmetric=False, range=(None, 1), needs_labels=True, dense=False, source="b"
    ),
}
NONE = References(itself=[], chance=[])
VALUES = {"pets": [0.0, 0.0], "birds": [0.25, 0.25], "cars": [0.5, 0.0], "no-transfer": [0.5, 0.7]}


def test_column_is_the_targets_own() -> None:
    other = {source: [9.0, 9.0] for source in VALUES}
    distances = Distances(
        tasks=["pets", "birds"],
        sources=list(VALUES),
        repeats=2,
        ranked_by={"pets": "ftd", "birds": "ridge_loo"},
        fingerprint="f",
        values={name: {"pets": VALUES, "birds": other} for name in FACTS},
        halves={"ridge_loo": {"birds": {"pets": [[0.2], [0.3]]}}},
        references={name: {"pets": NONE, "birds": NONE} for name in FACTS},
        facts=FACTS,
        classes={"birds": 3},
    )
    found = distances.column("pets")
    assert found.ranked_by == "ftd"
    assert found.values["ridge_loo"]["birds"] == [0.25, 0.25]
    assert found.facts == FACTS
    assert found.halves == {}
    assert distances.column("birds").halves == {"ridge_loo": {"pets": [[0.2], [0.3]]}}
    assert distances.column("birds").ranked_by == "ridge_loo"
    assert found.classes == {"birds": 3}


def test_ranking_follows_the_measures_direction() -> None:
    rest = {"facts": FACTS, "values": dict.fromkeys(FACTS, VALUES), "halves": {}, "references": {}, "classes": {}}
    near = DistanceColumn.model_validate({"target": "pets", "ranked_by": "ftd"} | rest)
    assert near.ranking() == [
        ("birds", 0.25),
        ("cars", 0.25),
        ("no-transfer", pytest.approx(0.6)),
    ]
    far = DistanceColumn.model_validate({"target": "pets", "ranked_by": "ridge_loo"} | rest)
    assert [source for source, _ in far.ranking()] == ["no-transfer", "birds", "cars"]


def test_measures_without_values_are_refused() -> None:
    with pytest.raises(ValidationError, match="expected the same measures in all"):
        DistanceColumn(
            target="pets",
            ranked_by="ftd",
            facts=FACTS,
            values={"ftd": {"birds": [1.0]}},
            halves={},
            references={},
            classes={},
        )
