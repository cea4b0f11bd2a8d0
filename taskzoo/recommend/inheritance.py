"""The network that a target can have without a search: the best architecture of its source, unchanged."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from taskzoo.recommend.narrowing import Options, belongs


class Inherited(BaseModel):
    """An architecture of a source.

    Attributes:
        source: Recommended source that found it.
        architecture: Option by decision.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    architecture: dict[str, str]


def inherit(
    elites: Mapping[str, Sequence[Mapping[str, str]]], sources: Iterable[str], options: Options
) -> Inherited | None:
    """Take the best architecture of the first source that has one of this space.

    Args:
        elites: Source -> its best architectures, best first.
        sources: Recommended ones, best first.
        options: Of the whole space.

    Returns:
        The architecture; None where no source is recommended, or their elites are of another space.
    """
    for source in sources:
        for architecture in elites[source]:
            if belongs(architecture, options):
                return Inherited(source=source, architecture=dict(architecture))
    return None
