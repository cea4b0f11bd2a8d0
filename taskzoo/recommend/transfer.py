"""Few-shot fine-tuning of one target from the recommended source and from its controls."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.fisher.samples import few_images
from taskzoo.params import CompareParams, ProbeParams, TrainParams
from taskzoo.probe.forms import AnyTask, form_of
from taskzoo.probe.network import State, device, initial_state
from taskzoo.probe.storage import load_backbone
from taskzoo.probe.training import Recipe, fit
from taskzoo.recommend.comparison import Transfer
from taskzoo.recommend.recommendation import Recommendation


def arms(recommendation: Recommendation, seed: int) -> dict[str, str]:
    """Name the source that each arm of a comparison starts from.

    Args:
        recommendation: The target's ranking.
        seed: Chooses the random source.

    Returns:
        Arm -> source. "recommended" is the best-ranked source even where the recommendation abstains, so that
        abstaining can be judged too; "random" is any other, where there are two.
    """
    sources = recommendation.sources()
    others = sources[1:] or sources
    rng = np.random.default_rng([seed, *recommendation.target.encode()])
    return {
        "recommended": sources[0],
        "random": str(rng.choice(others)),
        "farthest": sources[-1],
        "no-transfer": NO_TRANSFER,
    }


class FewShot:
    """Fine-tunes a target from given states, every arm on the same draws of training images.

    Args:
        task: The target.
        probe: Backbone and input form.
        compare: Images a class (of a dense target, images), steps, number of draws.
        train: Gives the policy for batch normalisation and the weight decay.
    """

    def __init__(self, task: AnyTask, probe: ProbeParams, compare: CompareParams, train: TrainParams) -> None:
        self.form = form_of(task)
        self.probe = probe
        self.draws = [
            self.form.tensors(few_images(task.train, compare.images_per_class, draw), probe)
            for draw in range(compare.draws)
        ]
        self.test = self.form.tensors(task.test, probe)
        self.recipe = Recipe(
            steps=compare.steps,
            batch_size=compare.batch_size,
            learning_rate=compare.learning_rate,
            weight_decay=train.weight_decay,
            frozen_batch_norm=train.batch_norm == "frozen",
        )

    def accuracies(self, states: Sequence[State]) -> list[float]:
        """Return test accuracies, of a dense target skills, one a draw; draw d starts from ``states[d]``, cycling."""
        return [self._one(states[draw % len(states)], *data, draw) for draw, data in enumerate(self.draws)]

    def _one(self, state: State, images: Tensor, labels: Tensor, seed: int) -> float:
        network = self.form.build(self.probe, state).to(device())
        fit(network, images, labels, self.recipe, seed, likelihood=self.form.likelihood)
        return max(0.0, self.form.score(network, *self.test))


def transfers(
    few: FewShot,
    recommendation: Recommendation,
    probes: Mapping[str, Sequence[Path]],
    initial: State,
    seed: int,
) -> Iterator[Transfer]:
    """Fine-tune the target from every arm.

    Args:
        few: The target and its draws.
        recommendation: Its ranking.
        probes: Source -> probe files, one a repeat; draw d starts from repeat d.
        initial: The shared initial state.
        seed: Chooses the random source.

    Yields:
        One arm after the other, "scratch" last: random weights, which is the same as "no-transfer" unless the
        initial state is pretrained.
    """
    for arm, source in arms(recommendation, seed).items():
        states = [initial] if source == NO_TRANSFER else [load_backbone(path) for path in probes[source]]
        yield Transfer(arm=arm, source=source, accuracies=few.accuracies(states))
    if few.probe.weights is not None:
        random_weights = initial_state(few.probe.model_copy(update={"weights": None}))
        yield Transfer(arm="scratch", source=NO_TRANSFER, accuracies=few.accuracies([random_weights]))
