"""How far two Fishers are apart in size and shape: the task distance without its normalisation."""

import numpy as np

from taskzoo.distance.vectors import whole
from taskzoo.fisher.observation import Observation


def fisher_frobenius(ab: Observation, bb: Observation) -> float:
    """Return || F_ab^(1/2) - F_bb^(1/2) ||_F of two Fisher diagonals, neither scaled.

    Of a source whose Fisher is large it says little else than that: the scale is what ``ftd`` takes away.

    Source: Le et al. 2022 (arXiv 2103.12827), the distance without unit trace and without the factor 1/sqrt(2).

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        The distance, 0 or more; it grows with the unit of the loss.
    """
    f, g = whole(ab, bb)
    return float(np.linalg.norm(np.sqrt(f) - np.sqrt(g)))
