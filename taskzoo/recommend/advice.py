"""All that a target is told: the ranking of its sources, and what they say about its search."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from taskzoo.distance.matrix import DistanceColumn
from taskzoo.files import write_json
from taskzoo.params import RecommendParams
from taskzoo.recommend.belief import RANDOM, Belief
from taskzoo.recommend.experience import PastTransfer
from taskzoo.recommend.inheritance import Inherited, inherit
from taskzoo.recommend.narrowing import Narrowing, Options, narrow
from taskzoo.recommend.ranking import rank
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.records import read_json

Elites = Mapping[str, Sequence[Mapping[str, str]]]


class Advice(BaseModel):
    """The answer for one target.

    Attributes:
        schema_version: Of this format.
        recommendation: Sources, best first, with uncertainty.
        narrowing: The search space that their elites leave.
        inherited: The best elite of the best of them, to try without a search; None where no elite is of this space.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    recommendation: Recommendation
    narrowing: Narrowing
    inherited: Inherited | None = None


def advise(
    column: DistanceColumn,
    elites: Elites,
    options: Options,
    params: RecommendParams,
    explore: float,
    past: Sequence[PastTransfer] = (),
    belief: Belief = RANDOM,
) -> Advice:
    """Rank a target's sources, narrow its search by the elites of the recommended ones, and name the best of these.

    Args:
        column: The target's distances.
        elites: Source -> its best architectures.
        options: Of the whole space that will be searched.
        params: How sources are ranked, and what share of the elites keeps an option.
        explore: Share of a search's trials that look at the whole space.
        past: Transfers on record.
        belief: About transfers, before there are any.

    Returns:
        The advice.
    """
    recommendation = rank(column, params, past, belief)
    narrowing = narrow(elites, recommendation.weights(), options, params.keep, explore)
    inherited = inherit(elites, recommendation.recommended, options)
    return Advice(recommendation=recommendation, narrowing=narrowing, inherited=inherited)


def save_advice(path: Path, advice: Advice) -> None:
    """Write advice to a JSON file, atomically."""
    write_json(path, advice.model_dump(mode="json"))


def load_advice(path: Path) -> Advice:
    """Read a file that ``save_advice`` wrote."""
    return read_json(path, Advice, "recommend")
