"""What networks cost, counted by hand and measured."""

from collections.abc import Iterator

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.params import SearchParams, parse_params
from taskzoo.search.cells import CellSpace
from taskzoo.search.costs import check_measurable, measure_costs
from taskzoo.search.costs.counting import count_memory
from taskzoo.search.costs.energy import BURST, SECONDS, Window, calibrate, find_meter, summarise, watch
from taskzoo.search.costs.latency import machine_name
from taskzoo.search.metrics import Measured, Metrics, cost_of, measured_costs
from taskzoo.search.problem import Problem
from taskzoo.search.rewards import Floor, Limit, Mixed, SoftLimit, by_accuracy, make_reward
from tests.search.conftest import make_problem

WIDE = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
WEIGHTS = 4 * (4 * 8 + 8 + 8 * 2 + 2)  # Bytes.


def test_memory_by_hand() -> None:
    # The input of 4 numbers stays; the ReLU's input and output of 8 numbers each live together.
    assert count_memory(WIDE, torch.zeros(1, 4)) == WEIGHTS + 4 * (4 + 8 + 8)


class Shortcut(nn.Module):
    """Keeps a wide map alive beside everything that comes after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 8), nn.Linear(8, 6), nn.Linear(6, 8)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the sum of the wide map and of what was made of it."""
        kept = self.first(rows)
        out: Tensor = kept + self.third(self.second(kept))
        return out


def test_what_a_shortcut_keeps_is_counted() -> None:
    network = Shortcut().eval()
    weights = 4 * sum(weight.numel() for weight in network.parameters())
    # At the sum: the input, the map that was kept, what was made of it, and the sum itself.
    assert count_memory(network, torch.zeros(1, 4)) == weights + 4 * (4 + 8 + 8 + 8)


def test_views_and_buffers_are_counted_once() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (4, 3, 3)), nn.BatchNorm2d(4), nn.Flatten()).eval()
    lasting = 4 * (4 * 4 + 36) + 8  # Weights, statistics, input; and how many batches were seen.
    assert count_memory(network, torch.zeros(1, 4, 3, 3)) == lasting + 4 * 36


def test_a_small_network_is_faster_than_a_large_one_and_says_where() -> None:
    image = torch.zeros(1, 64)
    large = nn.Sequential(*(nn.Linear(1000 if layer else 64, 1000) for layer in range(8)))
    threads = torch.get_num_threads()
    fast, slow = (measure_costs(each.eval(), image, ["latency"])["latency"] for each in (nn.Linear(64, 2), large))
    assert 0 < fast.median < slow.median
    assert fast.repeats > 1
    assert fast.machine == machine_name()
    assert torch.get_num_threads() == threads


class Readings:
    """A clock that moves on with every look, and a meter that was read at its time.

    Args:
        step: Seconds between two looks.
        powers: Watts, one a reading, over and over.
    """

    def __init__(self, step: float, powers: list[float]) -> None:
        self.now, self.step, self.drawn = 0.0, step, 0.0
        self.powers: Iterator[float] = (power for _ in range(1000) for power in powers)

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.step
        return self.now

    def joules(self) -> float:
        """Return 100 joules for every second."""
        return 7 + 100 * self.now

    def watts(self) -> float:
        """Return the next reading."""
        return next(self.powers)


def test_a_window_by_hand() -> None:
    readings = Readings(0.25, [60.0, 90.0, 80.0])
    window = watch(lambda: 10, readings, readings)
    # Looked at 0.25 for the start, then at 0.5, 0.75, 1.0 and 1.25, where the second is over: three bursts.
    assert window.joules == pytest.approx(100 * 1.25)
    assert (window.images, window.peak) == (30, 90.0)
    assert SECONDS == 1.0


def test_bursts_grow_until_they_last() -> None:
    now = 0.0

    def infer(times: int) -> int:
        nonlocal now
        now += 0.003 * times
        return times

    assert calibrate(infer, lambda: now) == 32  # 16 take 48 milliseconds.
    assert BURST == 0.05


def test_energy_and_power_are_medians_over_windows() -> None:
    windows = [Window(joules, 10, peak) for joules, peak in ((20, 70), (30, 75), (1000, 400), (40, 72), (35, 71))]
    found = summarise(windows, "a card", idle=55.0)
    assert found["energy"].median == pytest.approx(3.5)
    assert found["energy"].spread == pytest.approx(4.0 - 3.0)
    assert found["peak_power"].median == 72
    assert {(each.repeats, each.machine, each.idle_power) for each in found.values()} == {(5, "a card", 55.0)}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_energy_without_a_gpu_is_refused_before_anything_is_trained(problem: Problem) -> None:
    with pytest.raises(InputError, match=r"not measurable here \(there is no NVIDIA GPU\).*such as macs"):
        check_measurable(["macs", "energy"])
    with pytest.raises(InputError, match="not measurable here"):
        Problem(
            problem.train_images,
            problem.train_labels,
            problem.val_images,
            problem.val_labels,
            problem.form,
            problem.recipe,
            costs=["peak_power"],
        )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_energy_and_peak_power_of_a_gpu() -> None:
    pytest.importorskip("pynvml")
    assert find_meter().watts() > 0
    small, large = (
        measure_costs(nn.Sequential(*(nn.Conv2d(3, 3, 3) for _ in range(count))).eval(), image, ["energy"])
        for count, image in ((1, torch.zeros(1, 3, 64, 64)), (60, torch.zeros(1, 3, 224, 224)))
    )
    assert 0 < small["energy"].median < large["energy"].median
    assert large["peak_power"].median >= large["energy"].idle_power > 0


def test_what_was_not_asked_for_is_null_not_zero(space: CellSpace) -> None:
    restricted = space.restrict({choice.name: [choice.options[0]] for choice in space.choices})
    metrics = make_problem(1).evaluate(restricted, (0,) * len(space.choices), seed=0)
    assert metrics.model_dump(include={"memory", "latency", "energy", "peak_power"}) == dict.fromkeys(
        ("memory", "latency", "energy", "peak_power")
    )
    assert set(measured_costs(metrics)) == {"parameters", "macs"}
    with pytest.raises(ValueError, match="the energy was not measured"):
        cost_of(metrics, "energy")


def test_a_reward_takes_the_median_of_what_was_measured() -> None:
    latency = Measured(median=4.0, spread=1.0, repeats=9, machine="a processor")
    metrics = Metrics(accuracy=0.8, parameters=50, macs=300, memory=640, latency=latency)
    assert Mixed("latency", reference=8, weight=0.5)(metrics) == pytest.approx(0.4 - 0.25)
    assert [Limit("latency", limit)(metrics) for limit in (4.0, 4.1)] == [0, 0.8]
    assert [SoftLimit("latency", limit, 0.5)(metrics) for limit in (4.0, 2.0)] == pytest.approx([0.8, 0.3])
    assert Floor("memory", 1280, 0.7)(metrics) == 0.5
    assert measured_costs(metrics) == {"parameters": 50, "macs": 300, "memory": 640, "latency": 4.0}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"kind": "accuracy"}, by_accuracy),
        ({"kind": "mixed", "cost": "macs", "reference": 5e6}, Mixed("macs", 5e6, 0.5)),
        ({"kind": "limit", "cost": "parameters", "limit": 1e5}, Limit("parameters", 1e5)),
        ({"kind": "soft_limit", "cost": "macs", "limit": 5e6, "weight": 2}, SoftLimit("macs", 5e6, 2)),
        ({"kind": "floor", "cost": "macs", "reference": 5e6, "accuracy": 0.9}, Floor("macs", 5e6, 0.9)),
    ],
)
def test_params_name_the_reward(given: dict[str, object], wanted: object) -> None:
    assert make_reward(SearchParams.model_validate({"reward": given}).reward) == wanted


def test_a_reward_of_what_is_not_measured_is_refused() -> None:
    reward = {"kind": "limit", "cost": "latency", "limit": 5}
    with pytest.raises(InputError, match=r"search: reward\.cost is 'latency', which is not measured; add it"):
        parse_params(
            {"datasets": {"a": {"path": "x"}}, "tasks": {"t": {"dataset": "a"}}, "search": {"reward": reward}}, "p"
        )
    assert SearchParams.model_validate({"reward": reward, "costs": ["latency"]}).costs == ["latency"]
    with pytest.raises(ValidationError, match="kind"):
        SearchParams.model_validate({"reward": {"kind": "speed"}})
