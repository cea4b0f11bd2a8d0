"""EN2AS (Zhang et al., 2020): the supernet is trained on the most unusual paths, so that none is favoured early.

The published code moves integers by thousandths and rounds them, and never changes a path; here the mutations of a
random member of the archive are compared, and the most novel one takes its place.
"""

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from taskzoo.search.space import Architecture, SearchSpace, mutate, sample

ARCHIVE = 50  # The published 1000 are a fortieth of its steps.
NEIGHBOURS = 10
MUTATIONS = 10


def novel_paths(space: SearchSpace, steps: int, rng: np.random.Generator) -> list[Architecture]:
    """Return the archive's first members, and then every mutation that entered it.

    Args:
        space: Where.
        steps: How many paths.
        rng: For whatever is drawn.

    Returns:
        The paths in the order in which they are trained.
    """
    archive = [sample(space, rng) for _ in range(min(ARCHIVE, steps))]
    first = list(archive)
    return first + [renew(space, archive, rng) for _ in range(steps - len(first))]


def renew(space: SearchSpace, archive: list[Architecture], rng: np.random.Generator) -> Architecture:
    """Replace a random member of an archive, in place, by the most novel of its mutations; return that."""
    place = int(rng.integers(len(archive)))
    mutations = [mutate(space, archive[place], rng) for _ in range(MUTATIONS)]
    others = archive[:place] + archive[place + 1 :]
    archive[place] = mutations[int(novelty(mutations, others).argmax())]
    return archive[place]


def novelty(architectures: list[Architecture], archive: list[Architecture]) -> npt.NDArray[np.float64]:
    """Return how unusual architectures are: N(m, A) = (1 / k) sum over the k nearest of A of d(m, j).

    Args:
        architectures: Asked for, M of them.
        archive: To compare with; an architecture in it is its own nearest.

    Returns:
        [M], in [0, 1]: the mean share of decisions in which the ``NEIGHBOURS`` nearest differ.
    """
    distances = np.sort(cdist(np.array(architectures), np.array(archive), "hamming"), axis=1)
    nearest: npt.NDArray[np.float64] = distances[:, :NEIGHBOURS].mean(axis=1)
    return nearest
