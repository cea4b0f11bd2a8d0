"""The results as one JSON line, and which goals they miss."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.transfer import trying
from benchmarks.transfer.abstention import THRESHOLD, choices
from benchmarks.transfer.ceilings import perfect_regrets
from benchmarks.transfer.evaluate import Evaluation, paired
from benchmarks.transfer.figure import WANTED
from benchmarks.transfer.metrics import POOLS, inside, interval
from benchmarks.transfer.recommender import DEFAULT, PARTS
from benchmarks.transfer.settings import PROBES

NEEDED_TAU = {
    ("small", "all"): 0.56,
    ("small", "other"): 0.31,
    ("pretrained", "all"): 0.53,
    ("pretrained", "other"): 0.26,
}
HALVED = ("leep", "logme", "ridge_loo")  # Rivals whose regret above a perfect chooser's is to be halved.


def headline(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return the default's figures beside its strongest rivals', by probe and regime, and which goals are missed.

    Targets of unseen data sets are no goals' judges, being few: what is ahead of the default there is named.
    """
    out: dict[str, Any] = {}
    few = 0
    for found in evaluations:
        if DEFAULT not in found.figures:
            continue
        own = found.figures[DEFAULT]
        entry: dict[str, Any] = {"targets": len(found.truth.targets), "draws": found.truth.values.shape[2]}
        for pool in POOLS:
            best = max(_rivals(found), key=lambda name: float(found.figures[name][f"tau_{pool}"].mean()))
            mean, low, high = paired(found, best, f"tau_{pool}")
            entry[pool] = {
                "tau": round(float(own[f"tau_{pool}"].mean()), 3),
                "regret_points": round(100 * float(own[f"regret_{pool}"].mean()), 2),
                "regret_above_perfect": {
                    name: round(100 * excess(found, name, pool), 2) for name in (DEFAULT, *HALVED)
                },
                "not_worse": round(float(own[f"not_worse_{pool}"].mean()), 3),
                "best_rival": best,
                "rival_tau": round(float(found.figures[best][f"tau_{pool}"].mean()), 3),
                "better_by": [round(each, 3) for each in (mean, low, high)],
                "abstention": _answered(found, pool),
            }
        entry["ceilings"] = {name: round(value, 3) for name, value in found.ceilings.items()}
        if found.setting not in PROBES:
            entry["ahead"] = ahead(found)
        elif found.regime in {"few10", "few50"}:
            few += 1
            entry["missed"] = missed(found)
            entry["unsettled"] = unsettled(found)
            entry["beyond_trying"] = beyond_trying(found)
        out[f"{found.setting}-{found.regime}"] = entry
    return {**out, "met": few == 4 and not any(each.get("missed") for each in out.values())}


def _rivals(found: Evaluation) -> list[str]:
    return [name for name in found.figures if name not in {DEFAULT, *PARTS}]


def _answered(found: Evaluation, pool: str) -> dict[str, float | None]:
    """Return coverage, risk and mean gain at the default threshold, and what is said and kept of all first choices.

    None for what is not defined.
    """
    assert found.answers is not None
    first = choices(found.truth, found.answers)[pool]
    here = first.at(THRESHOLD) | dict(zip(("said", "kept"), first.promised(), strict=True))
    return {name: None if np.isnan(value) else round(value, 3) for name, value in here.items()}


def beyond_trying(found: Evaluation) -> list[str]:
    """Return the goals, met or not, that a chooser misses who tried every source (``benchmarks.transfer.trying``)."""
    out = [_above(name) for name in _rivals(found) if interval(trying.ahead(found.truth, found.scores[name]))[0] <= 0]
    own = trying.excess(found.truth)
    out += [_halved(name) for name in HALVED if own > max(trying.excess(found.truth, found.scores[name]), 0.0) / 2]
    return out + [_hurt(pool) for pool in POOLS if trying.choices(found.truth, pool).at(THRESHOLD)["risk"] >= WANTED]


def unsettled(found: Evaluation) -> list[str]:
    """Return the regrets that are to be halved of which it is not settled, by an interval, whether they are."""
    best = perfect_regrets(found.truth, inside(found.truth, "all"))
    regret = {name: found.figures[name]["regret_all"] - best for name in (DEFAULT, *HALVED)}
    too_much = {name: interval(regret[DEFAULT] - regret[name] / 2) for name in HALVED}
    return [_halved(name) for name, (low, high) in too_much.items() if low <= 0 < high]


def ahead(found: Evaluation) -> list[str]:
    """Return which rivals and controls are above the default by an interval, and in which pool."""
    return [f"{name}, {pool}" for pool in POOLS for name in _rivals(found) if _below(found, name, pool)]


def _below(found: Evaluation, name: str, pool: str) -> bool:
    return paired(found, name, f"tau_{pool}")[2] < 0


def _above(name: str) -> str:
    return f"tau above {name}"


def _halved(name: str) -> str:
    return f"half the regret of {name}"


def _hurt(pool: str) -> str:
    return f"answers that hurt, {pool}"


def missed(found: Evaluation) -> list[str]:
    """Return which goals a few-shot regime misses, and against whom.

    The default is above every rival on the full pool with an interval without zero, not below any on the other; its
    regret is above a perfect chooser's by half of the rivals' at most; few answers hurt; ten images a class pass marks.
    """
    own = found.figures[DEFAULT]
    out = [_above(name) for name in _rivals(found) if paired(found, name, "tau_all")[1] <= 0]
    out += [f"tau not below {name}, other" for name in _rivals(found) if _below(found, name, "other")]
    own_excess = excess(found, DEFAULT, "all")
    out += [_halved(name) for name in HALVED if own_excess > max(excess(found, name, "all"), 0.0) / 2]
    for pool in POOLS:
        if (_answered(found, pool)["risk"] or 0) >= WANTED:
            out.append(_hurt(pool))
        if found.regime == "few10" and float(own[f"tau_{pool}"].mean()) < NEEDED_TAU[found.setting, pool]:
            out.append(f"tau {NEEDED_TAU[found.setting, pool]}, {pool}")
    return out


def excess(found: Evaluation, name: str, pool: str) -> float:
    """Return by how much the regret of following a measure is above a perfect chooser's, in accuracy."""
    return float(found.figures[name][f"regret_{pool}"].mean()) - found.ceilings[f"perfect_regret_{pool}"]
