"""How far samples that are alike to the source's network have labels that are alike."""

from taskzoo.distance.protocol import Measure
from taskzoo.distance.transferability.arrays import centred
from taskzoo.distance.transferability.label_correlation import label_correlation
from taskzoo.fisher.observation import Observation


def lfc(ab: Observation, bb: Observation) -> float:
    """Return the correlation between inner products of the source's features and those of what the target asks.

    ``bb`` is not used: the measure asks nothing of the target's own network.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        In [-1, 1]; higher is closer.
    """
    features = centred(ab.features.double().numpy())
    return label_correlation(features @ features.T, ab.responses)


LFC = Measure(
    name="lfc",
    function=lambda pair: lfc(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=False,
    needs=frozenset({"features", "labels"}),
    dense=True,
    range=(-1.0, 1.0),
    source="Deshpande et al. 2021 (arXiv 2102.00084), equation 5",
)
