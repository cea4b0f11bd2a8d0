"""What is thought of transfers before any is on record, from random and from pretrained weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from taskzoo.params import ProbeParams

# Of measures, beside the one that ranks: Le et al.'s distance, layer by layer, and what a regression on the features
# alone explains; chosen in benchmarks/transfer.
BESIDE = {"ftd_layerwise": 0.5, "ridge_loo": 0.5}


@dataclass(frozen=True)
class Belief:
    """What is thought of transfers before any is on record.

    Attributes:
        level: Gain at score 0, in spreads.
        slope: Gain that one unit of score is worth, in spreads.
        width: Gain that one unit of ``wider`` is worth, in spreads.
        noise: Standard deviation of gains around that, in spreads.
        spread: Standard deviation of test accuracies over the sources of a target, in [0, 1].
        targets: As many as this counts for.
        scores: Mean square of scores by the headroom they counted with, which gives the slope's prior its weight.
        widths: Likewise of ``wider``.
        beside: Weights of measures beside the one that ranks, in a score.
        explained: The measure by which the initial state's own value tells how much is left to be gained; empty where
            that does not count.
    """

    level: float
    slope: float
    width: float
    noise: float
    spread: float
    targets: float = 5.0
    scores: float = 12.0
    widths: float = 0.7
    beside: Mapping[str, float] = field(default_factory=lambda: BESIDE)
    explained: str = ""


# Measured by benchmarks/transfer, ten images a class; it counts as one target a data set.
RANDOM = Belief(level=0.52, slope=0.2, width=0.0, noise=0.81, spread=0.025)
PRETRAINED = Belief(
    level=-0.26,
    slope=0.25,
    width=0.62,
    noise=0.88,
    spread=0.034,
    scores=5.0,
    widths=0.22,
    beside={**BESIDE, "lfc": 1.0},
    explained="ridge_loo",
)


def usual(probe: ProbeParams, dense: bool = False) -> Belief:
    """Return what is thought of a probe's transfers beforehand.

    Pretrained weights are harder to beat than random ones, and what their features say of the labels tells more: of
    sources, and of how much of the target is left to be gained. That was measured on targets of classes alone.

    Args:
        probe: All tasks share it.
        dense: Whether the target is no class of an image.
    """
    found = PRETRAINED if probe.weights else RANDOM
    return replace(found, beside=BESIDE, explained="") if dense else found
