"""Columns of distances made by hand."""

from collections.abc import Mapping, Sequence

from taskzoo.distance.catalogue import measure
from taskzoo.distance.matrix import DistanceColumn, References


def column(
    values: Mapping[str, Mapping[str, Sequence[float]]],
    halves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]] | None = None,
    target: str = "t",
    classes: Mapping[str, int] | None = None,
) -> DistanceColumn:
    """Make the column of a target from measure -> source -> values; the first measure ranks."""
    return DistanceColumn.model_validate(
        {
            "target": target,
            "ranked_by": next(iter(values)),
            "facts": {name: measure(name).facts() for name in values},
            "values": values,
            "halves": halves or {},
            "classes": classes or {},
            "references": {name: References(itself=[0.0, 0.1], chance=[1.0, 0.9]) for name in values},
        }
    )
