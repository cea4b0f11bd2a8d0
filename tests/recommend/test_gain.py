"""How probable a gain is, by the transfers on record."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from taskzoo.params import ProbeParams
from taskzoo.recommend.experience import PastTransfer
from taskzoo.recommend.gain import PRETRAINED, RANDOM, SCORES, Belief, gain_model, usual

BELIEF = Belief(level=0.1, slope=0.3, noise=1.2, spread=0.05, targets=3)


def past(target: str, source: str, gain: float, score: float) -> PastTransfer:
    return PastTransfer(target=target, source=source, score=score, gain=gain)


def test_without_a_record_the_belief_alone_speaks() -> None:
    model = gain_model([past("t", "a", 0.9, 0.0), past("t", "b", 0.1, 0.0), past("x", "a", 0.5, 1.0)], "t", BELIEF)
    assert model.expected(np.array([2.0])) == pytest.approx([0.7 * 0.05])
    scale = 1.2 * np.sqrt(1 + 1 / 3 + 4 / (3 * SCORES))
    assert model.probability(np.array([2.0]), 0.0) == pytest.approx([stats.t.cdf(0.7 / scale, 3)])


def test_the_posterior_is_prior_times_likelihood() -> None:
    """Against numerical integration over level, slope and the logarithm of the variance."""
    record = [past("x", "a", 0.3, 1.0), past("x", "b", 0.1, -1.0), past("y", "a", 0.2, 2.0), past("y", "b", 0.0, 0.5)]
    unit = np.sqrt(2 * (0.1**2 + 0.1**2) / 2)
    model = gain_model(record, "t", BELIEF)
    level, slope = np.meshgrid(np.linspace(-12, 14, 401), np.linspace(-8, 9, 401), indexing="ij")
    variance = np.exp(np.linspace(-4, 6, 201))
    apart = 3 * (level - 0.1) ** 2 + 3 * SCORES * (slope - 0.3) ** 2
    for each in record:
        apart = apart + (each.gain / unit - level - slope * each.score) ** 2 / 2
    # Log variance: 1 of the two coefficients' prior, 1 of two targets, 1.5 of the variance's own prior.
    log = -apart[..., None] / (2 * variance) - 1.5 * 1.2**2 / variance - (1 + 1 + 1.5) * np.log(variance)
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    assert model.mean == pytest.approx([(mass.sum(2) * level).sum(), (mass.sum(2) * slope).sum()], abs=0.01)
    assert model.expected(np.array([2.0])) == pytest.approx([unit * (model.mean[0] + 2 * model.mean[1])])
    gain = stats.norm.cdf((level + 1.5 * slope)[..., None] / np.sqrt(variance))
    assert model.probability(np.array([1.5]), 0.0) == pytest.approx([(mass * gain).sum()], abs=0.005)


def test_an_uncertain_score_blurs_the_answer() -> None:
    model = gain_model([], "t", BELIEF)
    certain, blurred = (model.probability(np.array([3.0]), error)[0] for error in (0.0, 2.0))
    assert 0.5 < blurred < certain
    scale = np.sqrt(1.2**2 * (1 + 1 / 3 + 9 / (3 * SCORES)) + 0.6**2)
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
        for source in range(6):
            score = float(rng.normal(0, 2))
            record.append(past(f"x{target}", f"s{source}", 0.03 * (-0.5 + 0.6 * score + float(rng.normal())), score))
    model = gain_model(record, "t", BELIEF)
    for score in (-1.0, 1.0, 3.0):
        wanted = stats.norm.cdf(-0.5 + 0.6 * score)
        assert model.probability(np.array([score]), 0.0)[0] == pytest.approx(wanted, abs=0.08)


def test_pretrained_weights_are_harder_to_beat() -> None:
    assert usual(ProbeParams()) is RANDOM
    assert usual(ProbeParams(weights="some.safetensors")) is PRETRAINED
    models = [gain_model([], "t", belief) for belief in (RANDOM, PRETRAINED)]
    random, pretrained = (model.probability(np.array([0.0, 2.0, 4.0]), 0.0) for model in models)
    assert (random > pretrained).all()
    assert (np.diff(random) > 0).all()
    assert (np.diff(pretrained) > 0).all()
