"""What the noise of the truth leaves to be reached, and what it is made of."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.transfer.metrics import POOLS, Array, Truth, halves, inside, regrets, weighted_tau, weighted_taus

SIMULATIONS = 2000
TAUS = 200  # Of them: a tau takes longer.


def ceilings(truth: Truth) -> dict[str, float]:
    """Return what the noise of the truth leaves to be reached, from one half of the draws judged by the other.

    Returns:
        Spearman-Brown reliability of the mean and the attainable correlation, and for each pool weighted tau and
        regret of a chooser that fine-tuned from every source on half of the draws and read the test set, and those of
        one that knows the true means.
    """
    draws = truth.values.shape[2]
    if draws < 2:
        return {}
    first, other = halves(truth)[0]
    correlations = []
    for a, b in zip(first.mean[:, :-1], other.mean[:, :-1], strict=True):
        keep = np.isfinite(a)
        correlations.append(np.corrcoef(np.argsort(np.argsort(a[keep])), np.argsort(np.argsort(b[keep])))[0, 1])
    between = float(np.mean(correlations))
    times = draws / (draws // 2)
    reliability = max(times * between / (1 + (times - 1) * between), 0.0)
    out = {"split_half": between, "reliability": reliability, "attainable": reliability**0.5}
    for pool in POOLS:
        members = inside(truth, pool)
        out[f"oracle_tau_{pool}"] = float(weighted_taus(other.mean, first.mean[..., None], members).mean())
        out[f"oracle_regret_{pool}"] = float(regrets(other.mean, first.mean[..., None], members).mean())
        out[f"perfect_tau_{pool}"] = float(perfect_taus(truth, members).mean())
        out[f"perfect_regret_{pool}"] = float(perfect_regrets(truth, members).mean())
    return out | variance(truth)


def perfect_taus(truth: Truth, pool: npt.NDArray[np.bool_]) -> Array:
    """Return the weighted tau that a chooser would show who knew every source's true mean, [T].

    Args:
        truth: At least two draws.
        pool: [T, S]; the last source, the initial state, is in it, and has no part in tau.
    """
    simulated = ((true[:TAUS, :-1], seen[:TAUS, :-1]) for true, seen in _observed_anew(truth, pool))
    return np.array([np.mean([weighted_tau(*pair) for pair in zip(*each, strict=True)]) for each in simulated])


def perfect_regrets(truth: Truth, pool: npt.NDArray[np.bool_]) -> Array:
    """Return the regret that a chooser would show who knew every source's true mean, [T].

    It is counted from the best of the observed means, which is that of the luckiest as much as of the best.

    Args:
        truth: At least two draws.
        pool: [T, S]; the last source, the initial state, is in it.
    """
    rows = np.arange(SIMULATIONS)
    return np.array([(seen.max(1) - seen[rows, true.argmax(1)]).mean() for true, seen in _observed_anew(truth, pool)])


def _observed_anew(truth: Truth, pool: npt.NDArray[np.bool_]) -> Iterator[tuple[Array, Array]]:
    """Simulate true means of each target's sources, and what would be observed of them.

    True means are drawn from their normal posterior (the observed ones shrunk as by James and Stein, with the variance
    that the noise leaves of theirs), and observed anew under noise of its size.

    Yields:
        Both, [SIMULATIONS, sources in the pool], target by target.
    """
    rng = np.random.default_rng(0)
    for row, members in enumerate(pool):
        values = truth.values[row, members]
        sources, draws = values.shape
        means = values.mean(1)
        left = values - means[:, None] - values.mean(0) + values.mean()
        noise = np.square(left).sum() / ((sources - 1) * (draws - 1)) / draws
        kept = max(1 - (sources - 3) / (sources - 1) * noise / means.var(ddof=1), 0.0)
        true = means.mean() + kept * (means - means.mean())
        true = true + np.sqrt(kept * noise) * rng.standard_normal((SIMULATIONS, sources))
        yield true, true + np.sqrt(noise) * rng.standard_normal(true.shape)


def variance(truth: Truth) -> dict[str, float]:
    """Return the shares of source, interaction and noise in the variance of one draw within a target.

    Sums of squares of the trained sources, by the expected mean squares of a two-way table with repeats.
    """
    gains = truth.values[:, :-1] - np.nanmean(truth.values[:, :-1], axis=1, keepdims=True)
    draws = gains.shape[2]
    means = gains.mean(2)
    noise = float(np.nanmean(np.square(gains - means[..., None]))) * draws / (draws - 1)
    source = np.nanmean(means, axis=0)
    within = float(np.nanmean(np.square(means - source))) - noise / draws
    between = float(np.mean(np.square(source))) - (within + noise / draws) / len(truth.targets)
    parts = {"source": max(between, 0.0), "interaction": max(within, 0.0), "noise": noise}
    return {f"share_{name}": value / sum(parts.values()) for name, value in parts.items()}
