"""NSGA-II (Deb et al., 2002), of optuna: a population that spreads along the Pareto front of accuracy and costs."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState

from taskzoo.params import CostName
from taskzoo.search.journal import NO_JOURNAL, Journal
from taskzoo.search.metrics import cost_of
from taskzoo.search.problem import Evaluator
from taskzoo.search.results import Trial
from taskzoo.search.space import Architecture, SearchSpace, decode, encode, size

POPULATION = 20
REDRAWN = 20  # How often at most, in search of something new.


def nsga2_search(
    space: SearchSpace,
    problem: Evaluator,
    trials: int,
    seed: int,
    journal: Journal = NO_JOURNAL,
    known: Sequence[Trial] = (),
) -> list[Trial]:
    """Search for the Pareto front of accuracy and the problem's costs; its reward is recorded, and guides nothing.

    Args:
        space: Where.
        problem: For which task.
        trials: Candidate trainings that may be spent; no more than the space has architectures.
        seed: Of everything drawn.
        journal: Told of every training; keeps the trials.
        known: Earlier trials of the same search, perhaps in a part of the space; they are the first population.

    Returns:
        The new trials in order, numbered from 1.
    """
    population = Population(space, problem.costs, int(np.random.default_rng([seed, len(known)]).integers(2**31)))
    for trial in known:
        population.add(trial)
    done: list[Trial] = []
    for number in range(1, min(trials, size(space) - len(population.seen)) + 1):
        done.append(journal.measure("nsga2", space, problem, population.propose(), seed, number))
        journal.tick(1)
        population.add(done[-1])
    return done


class Population:
    """Optuna's study, which is told trials and asked for architectures.

    Args:
        space: Where.
        costs: Minimised beside the accuracy, which is maximised.
        seed: Of what optuna draws.
    """

    def __init__(self, space: SearchSpace, costs: Sequence[CostName], seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self.costs = space, tuple(costs)
        self.seen: set[Architecture] = set()
        self._options = {choice.name: CategoricalDistribution(choice.options) for choice in space.choices}
        self._sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
        directions = [StudyDirection.MAXIMIZE, *[StudyDirection.MINIMIZE] * len(self.costs)]
        self._study = optuna.create_study(directions=directions, sampler=self._sampler)

    def propose(self) -> Architecture:
        """Return the next architecture; seldom one that was added before."""
        for _ in range(REDRAWN):
            trial = self._study.ask(dict(self._options))
            self._study.tell(trial, state=TrialState.FAIL)  # What comes of it is added as a trial of its own.
            architecture = encode(self.space, trial.params)
            if architecture not in self.seen:
                break
        return architecture

    def add(self, trial: Trial) -> None:
        """Take a trial into the population, in the order they came."""
        architecture = encode(self.space, trial.architecture)
        self._study.enqueue_trial(decode(self.space, architecture))
        asked = self._study.ask(dict(self._options))
        # What is enqueued has no generation by itself, and would be no parent.
        self._sampler.get_trial_generation(self._study, self._study.get_trials(deepcopy=False)[asked.number])
        self._study.tell(asked, [trial.accuracy, *(cost_of(trial, cost) for cost in self.costs)])
        self.seen.add(architecture)
