"""How probable a gain is, by the transfers on record."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from taskzoo.params import ProbeParams
from taskzoo.recommend.belief import PRETRAINED, RANDOM, Belief, usual
from taskzoo.recommend.experience import PastTransfer
from taskzoo.recommend.gain import LEAST, WIDEST, gain_model, headroom, wider

BELIEF = Belief(level=0.1, slope=0.3, width=0.5, noise=1.2, spread=0.05, targets=3)
NO = np.zeros(1)


def past(
    target: str, source: str, gain: float, score: float, wider: float = 0.0, headroom: float = 1.0
) -> PastTransfer:
    return PastTransfer(target=target, source=source, score=score, gain=gain, wider=wider, headroom=headroom)


def test_without_a_record_the_belief_alone_speaks() -> None:
    model = gain_model([past("t", "a", 0.9, 0.0), past("t", "b", 0.1, 0.0), past("x", "a", 0.5, 1.0)], "t", BELIEF)
    score, wide = np.array([2.0]), np.array([-1.0])
    assert model.expected(score, wide) == pytest.approx([0.2 * 0.05])
    scale = 1.2 * np.sqrt(1 + 1 / 3 + 4 / (3 * BELIEF.scores) + 1 / (3 * BELIEF.widths))
    assert model.probability(score, wide, 0.0) == pytest.approx([stats.t.cdf(0.2 / scale, 3)])


def test_the_posterior_is_prior_times_likelihood() -> None:
    """Against draws from the prior, weighed by their likelihood."""
    record = [past("x", "a", 0.3, 1.0, 1.0), past("x", "b", 0.1, -1.0), past("y", "a", 0.2, 2.0, -0.5)]
    record.append(past("y", "b", 0.0, 0.5, 0.5))
    unit = np.sqrt(2 * (0.1**2 + 0.1**2) / 2)
    model = gain_model(record, "t", BELIEF)
    rng = np.random.default_rng(0)
    variance = 1.5 * 1.2**2 / rng.gamma(1.5, size=1_000_000)
    spreads = np.sqrt(variance / (3 * np.array([1, BELIEF.scores, BELIEF.widths])[:, None]))
    level, slope, width = np.array([0.1, 0.3, 0.5])[:, None] + spreads * rng.normal(size=(3, len(variance)))
    apart = sum((each.gain / unit - level - slope * each.score - width * each.wider) ** 2 / 2 for each in record)
    mass = np.exp(-apart / (2 * variance)) / variance  # Four transfers onto two targets count as two.
    mass /= mass.sum()
    means = [mass @ level, mass @ slope, mass @ width]
    assert model.mean == pytest.approx(means, abs=0.01)
    assert model.expected(np.array([2.0]), np.array([1.0])) == pytest.approx(
        [unit * (model.mean[0] + 2 * model.mean[1] + model.mean[2])]
    )
    gain = stats.norm.cdf((level + 1.5 * slope - width) / np.sqrt(variance))
    assert model.probability(np.array([1.5]), np.array([-1.0]), 0.0) == pytest.approx([mass @ gain], abs=0.005)


def test_an_uncertain_score_blurs_the_answer() -> None:
    model = gain_model([], "t", BELIEF)
    certain, blurred = (model.probability(np.array([3.0]), NO, error)[0] for error in (0.0, 2.0))
    assert 0.5 < blurred < certain
    scale = np.sqrt(1.2**2 * (1 + 1 / 3 + 9 / (3 * BELIEF.scores)) + 0.6**2)
    assert blurred == pytest.approx(integrate.quad(lambda x: stats.t.pdf(x, 3), -np.inf, 1.0 / scale)[0])


def test_a_target_counts_once() -> None:
    few = [past(f"x{i}", f"s{j}", 0.1 * j, float(j)) for i in range(3) for j in range(3)]
    twice = [*few, *(each.model_copy(update={"source": each.source + "-again"}) for each in few)]
    one, other = gain_model(few, "t", BELIEF), gain_model(twice, "t", BELIEF)
    assert one.precision == pytest.approx(other.precision)
    assert one.shape == other.shape


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_probabilities_become_true(seed: int) -> None:
    rng = np.random.default_rng(seed)
    record = []
    for target in range(400):
        room = float(rng.uniform(0.1, 1))
        for source in range(6):
            score = float(rng.normal(0, 2))
            wide = float(rng.normal(0, 0.8))
            gain = 0.03 * (-0.5 + room * (0.6 * score + 0.4 * wide) + float(rng.normal()))
            record.append(past(f"x{target}", f"s{source}", gain, score, wide, room))
    model = gain_model(record, "t", BELIEF)
    for score, wide, room in itertools.product((-1.0, 1.0, 3.0), (-1.0, 1.0), (0.2, 1.0)):
        wanted = stats.norm.cdf(-0.5 + room * (0.6 * score + 0.4 * wide))
        assert model.probability(np.array([score]), np.array([wide]), 0.0, room)[0] == pytest.approx(wanted, abs=0.08)


def test_a_source_of_fewer_classes_is_narrower() -> None:
    found = wider(np.array([2.0, 10.0, 5.0, 0.0, 1000.0]), 5)
    assert found == pytest.approx([np.log(0.4), np.log(2), 0, 0, np.log(WIDEST)])
    assert not wider(np.array([2.0, 0.0]), 0).any()


def test_headroom_is_what_is_not_explained() -> None:
    assert [headroom(share) for share in (-0.3, 0.0, 0.4, 1.0)] == [1.0, 1.0, 0.6, LEAST]


def test_pretrained_weights_are_harder_to_beat() -> None:
    assert usual(ProbeParams()) is RANDOM
    assert usual(ProbeParams(weights="some.safetensors")) is PRETRAINED
    dense = usual(ProbeParams(weights="some.safetensors"), dense=True)
    assert dense == replace(PRETRAINED, beside=RANDOM.beside, explained="")
    models = [gain_model([], "t", belief) for belief in (RANDOM, PRETRAINED)]
    random, pretrained = (model.probability(np.array([0.0, 2.0, 4.0]), np.zeros(3), 0.0) for model in models)
    assert (random > pretrained).all()
    assert (np.diff(random) > 0).all()
    assert (np.diff(pretrained) > 0).all()
