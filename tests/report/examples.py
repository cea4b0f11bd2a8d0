"""Results of a made-up zoo, built by the real rooms from seeded numbers."""

import numpy as np

from taskzoo.distance.catalogue import measure
from taskzoo.distance.matrix import Distances, References
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import RecommendParams
from taskzoo.recommend.comparison import Comparison, Transfer
from taskzoo.recommend.ranking import rank
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.search.results import Trial

NAMES = (
    "mnist-is-0",
    "mnist-ten",
    "digits-parity",
    "mnist-is-6",
    "mnist-0123",
    "digits-ten",
    "digits-is-0",
    "mnist-parity",
    "cifar-vehicle-or-animal",
    "cells-white",
    "houses-indoor",
    "cifar-ten",
)
SCALES = {"ridge_loo": 1.0, "ftd": 0.3, "ftd_reference_squared": 2e-5, "logdet": 4.0}
OFFSETS = {"recommended": 0.12, "random": 0.06, "farthest": 0.02, "no-transfer": 0.0}
LEADS = {"narrowed": 0.04, "full": 0.0, "random-source": 0.02}


def make_distances(tasks: int, targets: list[str] | None = None, repeats: int = 3) -> Distances:
    """Place tasks at random and measure them with noise; a few targets find every source equally far."""
    generator = np.random.default_rng(7)
    names = list(NAMES[:tasks])
    columns = names if targets is None else targets
    sources = [*names, NO_TRANSFER]
    places = {name: generator.normal(size=3) for name in [*sources, *columns]}
    values: dict[str, dict[str, dict[str, list[float]]]] = {name: {} for name in SCALES}
    for target in columns:
        difficulty = generator.uniform(0.1, 0.5)
        reach = 0.05 if target in {"mnist-ten", "cells-white"} else 0.25
        for source in sources:
            apart = float(np.linalg.norm(places[source] - places[target])) / 3 + 0.3 * (source == NO_TRANSFER)
            for name, scale in SCALES.items():
                noise = 0.02 * generator.normal(size=repeats)
                closeness = 0.9 - difficulty - (reach - 0.05) * apart + noise
                distance = scale * np.abs(reach * 4 * apart + noise) * (source != target)
                found = closeness if name == "ridge_loo" else distance
                values[name].setdefault(target, {})[source] = found.tolist()
    return Distances(
        tasks=columns,
        sources=sources,
        repeats=repeats,
        ranked_by=dict.fromkeys(columns, "ridge_loo"),
        fingerprint="0123456789abcdef",
        values=values,
        halves={},
        references={
            name: {
                target: References(itself=[0.01 * scale] * repeats, chance=[0.9 * scale] * repeats)
                for target in columns
            }
            for name, scale in SCALES.items()
        },
        facts={name: measure(name).facts() for name in SCALES},
        classes=dict.fromkeys(columns, 2),
    )


def make_recommendations(distances: Distances, by: str = "ridge_loo") -> list[Recommendation]:
    """Rank the sources of every target."""
    chosen = distances.model_copy(update={"ranked_by": dict.fromkeys(distances.tasks, by)})
    return [rank(chosen.column(target), RecommendParams(confidence=0.75)) for target in distances.tasks]


def make_comparisons(targets: list[str]) -> list[Comparison]:
    """Give every target four transfers and three arms of two strategies."""
    generator = np.random.default_rng(8)
    out = []
    for target in targets:
        base = generator.uniform(0.4, 0.75)
        transfers = [
            Transfer(arm=arm, source="a", accuracies=_shares(base + offset + 0.03 * generator.normal(size=3)))
            for arm, offset in OFFSETS.items()
        ]
        trials = [
            Trial(
                strategy=strategy,
                arm=arm,
                seed=seed,
                number=number,
                architecture={"op": str(number)},
                reward=(accuracy := _shares(base + lead + 0.04 * generator.normal(size=1))[0]),
                accuracy=accuracy,
                parameters=1000,
                macs=5000,
            )
            for arm, lead in LEADS.items()
            for strategy, numbers in {"random": range(1, 9), "fuse": (3, 5, 7)}.items()
            for seed in range(2)
            for number in numbers
        ]
        out.append(Comparison(target=target, transfers=transfers, trials=trials))
    return out


def _shares(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.clip(values, 0, 1)]
