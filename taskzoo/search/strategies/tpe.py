"""The tree-structured Parzen estimator (Bergstra et al., 2011), of optuna."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from taskzoo.search.space import Architecture, SearchSpace, decode, encode
from taskzoo.search.strategies.asking import Told


class ParzenEstimator:
    """Proposes what is likely among good architectures and unlikely among the others."""

    def __init__(self) -> None:
        self._study: optuna.Study | None = None
        self._told = 0

    def propose(self, space: SearchSpace, told: Sequence[Told], rng: np.random.Generator) -> Architecture:
        """Return the next architecture; it may be one that was told before."""
        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            sampler = optuna.samplers.TPESampler(seed=int(rng.integers(2**31)))
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
        options = {choice.name: CategoricalDistribution(choice.options) for choice in space.choices}
        for architecture, reward in told[self._told :]:
            named = decode(space, architecture)
            self._study.add_trial(create_trial(params=named, distributions=dict(options), value=reward))
        self._told = len(told)
        trial = self._study.ask(dict(options))
        self._study.tell(trial, state=TrialState.FAIL)  # What comes of it is told as a trial of its own.
        return encode(space, trial.params)
