"""Arms of a comparison, and few-shot fine-tuning on equal draws."""

import numpy as np

from taskzoo.data.tasks import Task, TaskSplit
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.params import CompareParams, ProbeParams, RecommendParams, TrainParams
from taskzoo.probe.network import initial_state
from taskzoo.recommend.ranking import rank
from taskzoo.recommend.recommendation import Recommendation
from taskzoo.recommend.transfer import FewShot, arms
from tests.recommend.columns import column as column_of

PROBE = ProbeParams(backbone="test_efficientnet", image_size=32)


def ranking(sources: int, target: str = "t") -> Recommendation:
    column = {f"s{number}": [float(number)] * 2 for number in range(sources)} | {NO_TRANSFER: [0.5, 0.5]}
    return rank(column_of({"ftd": column}, target=target), RecommendParams(measure="ftd"))


def test_arms_are_the_closest_the_farthest_and_another() -> None:
    chosen = arms(ranking(5), seed=0)
    assert (chosen["recommended"], chosen["farthest"], chosen["no-transfer"]) == ("s0", "s4", NO_TRANSFER)
    assert {arms(ranking(5, target=f"t{number}"), 0)["random"] for number in range(40)} == {"s1", "s2", "s3", "s4"}
    assert arms(ranking(5), seed=0) == chosen


def test_one_source_is_all_arms() -> None:
    assert set(arms(ranking(1), 0).values()) == {"s0", NO_TRANSFER}


def test_few_shot_learns_what_is_easy_and_repeats_itself() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = (
        rng.integers(0, 60, (40, 3, 32, 32)).astype(np.uint8) + (labels * 180).astype(np.uint8)[:, None, None, None]
    )
    split = TaskSplit(images, labels)
    task = Task(
        name="t",
        classes=("a", "b"),
        digest="d",
        dataset_digest="d",
        splits=dict.fromkeys(("train", "val", "test"), split),
    )
    few = FewShot(task, PROBE, CompareParams(images_per_class=5, steps=60, batch_size=8, draws=2), TrainParams())
    start = initial_state(PROBE)
    first = few.accuracies([start])
    assert first == few.accuracies([start])
    assert len(first) == 2
    assert min(first) > 0.9
