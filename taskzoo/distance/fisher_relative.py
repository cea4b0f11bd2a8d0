"""Task2Vec's cosine of relative Fishers, on filter averages."""

from taskzoo.distance.protocol import Measure
from taskzoo.distance.transferability.task2vec import embedding, task2vec
from taskzoo.distance.vectors import paired
from taskzoo.fisher.observation import Observation


def fisher_relative(ab: Observation, bb: Observation) -> float:
    """Return 1 - cos(f / (f + g), g / (f + g)), with f and g averaged over each output filter.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance in [0, 1]: 0 for proportional diagonals, 1 where no filter matters to both.
    """
    paired(ab, bb)  # Refuses Fishers of different networks.
    return task2vec(embedding(ab.diagonal), embedding(bb.diagonal))


FISHER_RELATIVE = Measure(
    name="fisher_relative",
    function=lambda pair: fisher_relative(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=True,
    needs=frozenset({"fisher"}),
    dense=True,
    range=(0.0, 1.0),
    source="Achille et al., Task2Vec (arXiv 1902.03545), normalised cosine, between F_ab and F_bb",
)
