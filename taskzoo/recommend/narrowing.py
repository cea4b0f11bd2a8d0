"""From the elite architectures of the recommended sources to a smaller search space."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict


class Narrowing(BaseModel):
    """What is kept of a search space, and why.

    Attributes:
        sources: Recommended source -> weight; empty when nothing was recommended, and then nothing is cut.
        shares: Decision -> option -> weighted share of the sources' elites that use it, in [0, 1].
        keep: Decision -> options kept. Empty when nothing is cut.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, float]
    shares: dict[str, dict[str, float]]
    keep: dict[str, list[str]]


def narrow(elites: Mapping[str, Sequence[Mapping[str, str]]], weights: Mapping[str, float], keep: float) -> Narrowing:
    """Keep the options that the elites of the weighted sources used.

    Args:
        elites: Source -> its best architectures, each decision -> option.
        weights: Source -> weight; they sum to 1.
        keep: Options whose share is below this are cut; the most used option of a decision always stays.

    Returns:
        Shares and kept options, per decision.
    """
    shares: dict[str, dict[str, float]] = {}
    for source, weight in weights.items():
        for architecture in elites[source]:
            for decision, option in architecture.items():
                options = shares.setdefault(decision, {})
                options[option] = options.get(option, 0.0) + weight / len(elites[source])
    kept = {
        decision: sorted(o for o, share in options.items() if share >= min(keep, max(options.values())))
        for decision, options in sorted(shares.items())
    }
    return Narrowing(
        sources=dict(weights),
        shares={decision: dict(sorted(options.items())) for decision, options in sorted(shares.items())},
        keep=kept,
    )
