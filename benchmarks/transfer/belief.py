"""What the product believes of transfers before any is on record, measured: ``python -m benchmarks.transfer.belief``.

It prints a belief for each probe, from the committed results with ten images a class, as one JSON object; the constants
of ``taskzoo/recommend/belief.py`` are these, rounded.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from benchmarks.transfer.evaluate import known_scores
from benchmarks.transfer.recommender import CLASSES, NOTHING, headrooms, own_score, transfers, widths
from benchmarks.transfer.settings import PROBES, settings
from taskzoo.recommend.belief import Belief, usual
from taskzoo.recommend.experience import PastTransfer, by_other_targets
from taskzoo.recommend.gain import gain_model

REGIME = "few10"
NONE = replace(NOTHING, targets=1e-6)
MEASURED = ("level", "slope", "width", "noise", "spread", "scores", "widths")


def main() -> None:
    """Print the beliefs."""
    print(json.dumps({probe: {name: round(value, 3) for name, value in told(probe).items()} for probe in PROBES}))


def told(probe: str) -> dict[str, float]:
    """Return the measured constants of a probe's belief, by name."""
    belief = measured(past(probe), usual(settings()[probe].probe))
    return {name: float(value) for name, value in asdict(belief).items() if name in MEASURED}


def past(setting: str) -> list[PastTransfer]:
    """Return the transfers of a setting's cell, as a registry would record them."""
    truth, known = known_scores(setting, REGIME)
    belief = usual(settings()[setting].probe)
    score = own_score(truth, known, belief.beside)
    return transfers(truth, score, widths(truth, known[CLASSES]), headrooms(known, belief, score).mean(1))


def measured(past: Sequence[PastTransfer], belief: Belief) -> Belief:
    """Return a belief whose numbers are what transfers show, each target counting once.

    Args:
        past: Of at least two sources a target.
        belief: Gives what is not measured.

    Returns:
        The belief.
    """
    groups = by_other_targets(past, "")
    model = gain_model(past, "", NONE)
    squares = {
        name: float(np.mean([np.mean([(each.headroom * getattr(each, name)) ** 2 for each in one]) for one in groups]))
        for name in ("score", "wider")
    }
    level, slope, width = (float(value) for value in model.mean)
    return replace(
        belief,
        level=level,
        slope=slope,
        width=width,
        noise=float(np.sqrt(model.rate / model.shape)),
        spread=model.spread,
        scores=squares["score"],
        widths=squares["wider"],
    )


if __name__ == "__main__":
    main()
