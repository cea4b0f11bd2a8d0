"""Uniform random search without repeats: the control of every other strategy."""

from collections.abc import Sequence

import numpy as np

from taskzoo.search.space import Architecture, SearchSpace, sample
from taskzoo.search.strategies.asking import Told


class Uniform:
    """Proposes what was not tried yet, all of it equally likely."""

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return an architecture that is not among those told; the space must have one."""
        seen = {architecture for architecture, _ in told}
        while (architecture := sample(space, rng)) in seen:
            pass
        return architecture
