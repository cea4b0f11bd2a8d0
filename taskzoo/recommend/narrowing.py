"""From the elite architectures of the recommended sources to a smaller search space, and what was cut away and why."""

from collections.abc import Mapping, Sequence
from math import prod

from pydantic import BaseModel, ConfigDict

Options = Mapping[str, Sequence[str]]
"""Decision -> options."""


class Narrowing(BaseModel):
    """What is kept of a search space, what is cut away, and why.

    Attributes:
        sources: Recommended source -> weight; empty when nothing was recommended, and then nothing is cut.
        foreign: Recommended sources that have no say, since their elites are of another space.
        threshold: Options with a smaller share are cut; a decision's most used option always stays.
        explore: Share of a search's trials that look at the whole space all the same, in [0, 1].
        shares: Decision -> option -> weighted share of the sources' elites that use it, in [0, 1]; all options.
        keep: Decision -> options kept. Empty when nothing was recommended.
        cut: Decision -> options cut away.
        before: Architectures in the whole space.
        after: Architectures that are left.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, float]
    foreign: list[str]
    threshold: float
    explore: float
    shares: dict[str, dict[str, float]]
    keep: dict[str, list[str]]
    cut: dict[str, list[str]]
    before: int
    after: int

    @property
    def reason(self) -> str:
        """One sentence for people."""
        foreign = f"the elites of {', '.join(self.foreign)} are of another space"
        if not self.sources:
            return f"The search is not narrowed: {foreign if self.foreign else 'no source is recommended'}."
        unheard = f" ({foreign})" if self.foreign else ""
        sources = ", ".join(f"{source} {weight:.2f}" for source, weight in self.sources.items())
        return (
            f"The search is narrowed from {self.before:,} architectures to {self.after:,} by the elites of {sources}"
            f"{unheard}: options with a smaller share than {self.threshold:g} among them are cut; a share of "
            f"{self.explore:g} of the trials still looks at the whole space."
        )


def narrow(
    elites: Mapping[str, Sequence[Mapping[str, str]]],
    weights: Mapping[str, float],
    options: Options,
    keep: float,
    explore: float,
) -> Narrowing:
    """Keep the options that the elites of the weighted sources used.

    Args:
        elites: Source -> its best architectures, each decision -> option; those of another space have no say.
        weights: Source -> weight; they sum to 1.
        options: Of the whole space.
        keep: Options whose share is below this are cut, and those not used at all; the most used option of a decision
            always stays.
        explore: Share of a search's trials that will look at the whole space, to be told.

    Returns:
        Shares, and options kept and cut, per decision.
    """
    known = {source: [each for each in elites[source] if belongs(each, options)] for source in weights}
    total = sum(weight for source, weight in weights.items() if known[source])
    sources = {source: weight / total for source, weight in weights.items() if known[source]}
    shares: dict[str, dict[str, float]] = {
        decision: dict.fromkeys(names, 0.0) for decision, names in options.items() if sources
    }
    for source, weight in sources.items():
        for architecture in known[source]:
            for decision, option in architecture.items():
                shares[decision][option] += weight / len(known[source])
    kept = {decision: _used(of, keep) for decision, of in shares.items()}
    return Narrowing(
        sources=sources,
        foreign=[source for source in weights if not known[source]],
        threshold=keep,
        explore=explore,
        shares=shares,
        keep=kept,
        cut={decision: [option for option in of if option not in kept[decision]] for decision, of in shares.items()},
        before=prod(len(names) for names in options.values()),
        after=prod(len(kept.get(decision, names)) for decision, names in options.items()),
    )


def belongs(architecture: Mapping[str, str], options: Options) -> bool:
    """Return whether an architecture decides what a space decides, with options that it has."""
    return set(architecture) == set(options) and all(option in options[each] for each, option in architecture.items())


def _used(shares: Mapping[str, float], keep: float) -> list[str]:
    """Return the options whose share is neither zero nor below ``keep``, the most used one in any case."""
    most = max(shares.values())
    return [option for option, share in shares.items() if share > 0 and share >= min(keep, most)]
