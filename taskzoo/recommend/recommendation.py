"""The answer to "which source should this target transfer from?", as it is stored and shown."""

from pydantic import BaseModel, ConfigDict

from taskzoo.distance.matrix import References

FORM = 4  # Of the score, and of what is recorded with it; raised when either is put together otherwise.


def scale(measure: str, likeness: float) -> str:
    """Return a name of the scale that scores are on: those of other scales do not compare.

    Args:
        measure: That ranks.
        likeness: Weight of how alike the images look.
    """
    return f"{measure}/{likeness:g}/{FORM}"


class Candidate(BaseModel):
    """One source in a ranking.

    Attributes:
        source: A task.
        score: What orders: the measure, what counts beside it and the number of classes, each in standard deviations
            over the sources, and the experience; 0 is no transfer's.
        experience: How much better than its score the source has been for other targets; 0 where none is recorded.
        values: The measure, one value a repeat.
        mean: Over repeats.
        low: Lower end of the 90 % interval of the mean, in the measure's unit.
        high: Upper end.
        probability_best: That this source has the greatest score of all, in [0, 1].
        probability_gain: That it beats no transfer, in [0, 1]: what transfers on record gained where score and width
            were alike.
        expected_gain: Over no transfer, in test accuracy, on average over what is not known.
        weight: Share in narrowing the search, in [0, 1]; 0 where it is not recommended.
        classes: How many the source tells apart; None where that is not known.
        wider: How many more that is than the target's, as ``gain.wider`` counts it.
        others: Mean of every other measure, shown beside the one that ranks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    score: float
    experience: float
    values: list[float]
    mean: float
    low: float
    high: float
    probability_best: float
    probability_gain: float
    expected_gain: float
    weight: float = 0.0
    classes: int | None = None
    wider: float = 0.0
    others: dict[str, float] = {}


class Start(BaseModel):
    """The shared initial state as the measure sees it: where transferring nothing begins.

    Attributes:
        values: The measure, one value a repeat.
        mean: Over repeats.
        low: Lower end of the 90 % interval of the mean.
        high: Upper end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: list[float]
    mean: float
    low: float
    high: float


class Recommendation(BaseModel):
    """The answer for one target.

    Attributes:
        target: The task that looks for a source.
        measure: What ranks, together with what counts beside it.
        likeness: Weight of how alike the images look.
        beside: Weights of all measures that count beside it, by name; the source's number of classes counts, too.
        lower_is_closer: Direction of the measure.
        confidence: Probability of a gain that a recommended source needs.
        headroom: How much of the target the initial state leaves to be gained, in (0, 1]; 1 where that does not count.
        candidates: Best score first.
        start: No transfer.
        references: What the measure shows of the target itself, and of chance.
        recommended: Sources to transfer from, best first; empty when abstaining.
        within_noise: The sources that may as well be the best.
        reason: One sentence for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    measure: str
    likeness: float
    beside: dict[str, float] = {}
    lower_is_closer: bool
    confidence: float
    headroom: float = 1.0
    candidates: list[Candidate]
    start: Start
    references: References
    recommended: list[str]
    within_noise: list[str]
    reason: str

    def parts(self) -> str:
        """Return what counts beside the measure, with weights, in words."""
        return ", ".join(f"{name} x {weight:g}" for name, weight in self.beside.items()) or "nothing"

    def candidate(self, source: str) -> Candidate:
        """Return the row of ``source``."""
        return next(row for row in self.candidates if row.source == source)

    def sources(self) -> list[str]:
        """Return all sources, best first."""
        return [row.source for row in self.candidates]

    def weights(self) -> dict[str, float]:
        """Return the recommended sources' shares, which sum to 1, or nothing when abstaining."""
        return {source: self.candidate(source).weight for source in self.recommended}
