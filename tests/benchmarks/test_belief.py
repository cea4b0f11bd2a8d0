"""What the product believes before any transfer is on record is what the committed results say."""

import numpy as np
import pytest

from benchmarks.transfer.belief import MEASURED, measured, told
from benchmarks.transfer.settings import PROBES
from taskzoo.recommend.belief import PRETRAINED, RANDOM, Belief
from taskzoo.recommend.experience import PastTransfer

BELIEFS = dict(zip(PROBES, (RANDOM, PRETRAINED), strict=True))


@pytest.mark.parametrize("probe", PROBES)
def test_the_products_constants_are_those_measured(probe: str) -> None:
    for name, value in told(probe).items():
        close = {"scores": 1.5, "spread": 0.0005}.get(name, 0.01)
        assert getattr(BELIEFS[probe], name) == pytest.approx(value, abs=close), name


def test_a_line_is_found_again() -> None:
    rng = np.random.default_rng(0)
    past = []
    for target in range(200):
        room = float(rng.uniform(0.2, 1))
        for source in range(10):
            score, wide, noise = rng.normal(0, 3), rng.normal(), rng.normal()
            gain = 0.02 * (-0.5 + room * (0.3 * score + 0.4 * wide) + 0.8 * noise)
            past.append(
                PastTransfer(
                    target=f"t{target}", source=f"s{source}", score=score, gain=gain, wider=wide, headroom=room
                )
            )
    found: Belief = measured(past, PRETRAINED)
    unit = found.spread
    assert unit == pytest.approx(np.sqrt(np.mean([_variance(past, f"t{i}") for i in range(200)])))
    for name, value in {"level": -0.5, "slope": 0.3, "width": 0.4, "noise": 0.8}.items():
        assert getattr(found, name) * unit == pytest.approx(0.02 * value, abs=0.001)
    rooms = np.mean([each.headroom**2 for each in past])
    assert (found.scores, found.widths) == pytest.approx((9 * rooms, rooms), rel=0.1)
    assert found.beside == PRETRAINED.beside
    assert set(MEASURED) <= set(vars(found))


def _variance(past: list[PastTransfer], target: str) -> float:
    return float(np.var([each.gain for each in past if each.target == target], ddof=1))
