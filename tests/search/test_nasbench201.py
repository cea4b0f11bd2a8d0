"""The cells of NAS-Bench-201: their networks, their costs, and their accuracies in a table."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from taskzoo.errors import InputError
from taskzoo.search.costs.counting import count_macs, count_parameters
from taskzoo.search.nasbench201 import EDGES, OPERATIONS, Cell, NASBench201Space, cell_string, operation
from taskzoo.search.space import decode, encode, sample, size
from taskzoo.search.table import TableProblem, grid, read_accuracies

SMALL = NASBench201Space(width=4, cells=2)


def all_of(option: str) -> dict[str, str]:
    """Return a cell with one operation on every edge."""
    return {f"edge_{start}_{end}": option for start, end in EDGES}


def test_the_largest_network_is_as_large_as_published() -> None:
    space = NASBench201Space()
    assert size(space) == 15_625
    weights, macs = space.costs(encode(space, all_of("nor_conv_3x3")), 10, 32)
    assert weights == 1_531_546  # 1.53 M
    assert macs == pytest.approx(220.12e6, rel=0.01)


@pytest.mark.parametrize(("seed", "side"), [(0, 16), (1, 16), (2, 30), (3, 15), (4, 9)])
def test_costs_are_those_of_the_network(seed: int, side: int) -> None:
    architecture = sample(SMALL, np.random.default_rng(seed))
    network = SMALL.assemble(architecture, SMALL.build(architecture, 7))
    image = torch.randn(1, 3, side, side)
    assert network(image).shape == (1, 7)
    assert SMALL.costs(architecture, 7, side) == (count_parameters(network), count_macs(network, image))


def cell(named: dict[str, str]) -> Cell:
    """Return a cell of four channels."""
    return Cell({name: partial(operation, option) for name, option in named.items()}, 4)


def test_a_cell_by_hand() -> None:
    maps = torch.randn(2, 4, 8, 8)
    # Nodes: x, x, x + x, x + x + 2 x.
    torch.testing.assert_close(cell(all_of("skip_connect"))(maps), 4 * maps)
    assert not cell(all_of("none"))(maps).any()
    last_only = {**all_of("none"), "edge_0_3": "skip_connect"}
    torch.testing.assert_close(cell(last_only)(maps), maps)


def test_a_cell_has_the_name_of_the_benchmark() -> None:
    named = dict(zip(all_of(""), [*OPERATIONS, "none"], strict=True))
    assert cell_string(named) == ("|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|")


def write(path: Path, text: str) -> Path:
    """Return a table of two cells of a space that has two."""
    names = [cell_string({**all_of("none"), "edge_0_3": option}) for option in ("skip_connect", "nor_conv_1x1")]
    path.write_text(text.format(*names))
    return path


GOOD = "arch,x_val_acc_12ep,x_test_acc\n{0},50,60\n{1},70.5,80\n"
NONE = {name: ["none"] for name in all_of("none")}
TWO = NASBench201Space().restrict({**NONE, "edge_0_3": ["skip_connect", "nor_conv_1x1"]})


def test_a_table_is_looked_up_in_any_part_of_the_space(tmp_path: Path) -> None:
    accuracies = read_accuracies(write(tmp_path / "t.csv", GOOD), "x")
    assert grid(TWO, accuracies.validation).ravel().tolist() == [0.5, 0.705]
    assert grid(TWO, accuracies.test).ravel().tolist() == [0.6, 0.8]
    one = TWO.restrict({"edge_0_3": ["nor_conv_1x1"]})
    metrics = TableProblem(accuracies).evaluate(one, (0,) * 6, seed=3)
    assert metrics.accuracy == 0.705
    assert (metrics.parameters, metrics.macs) == one.costs((0,) * 6, 10, 32)
    with pytest.raises(InputError, match="has no cell"):
        grid(NASBench201Space(), accuracies.test)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("x_test", "y_test"), "no column 'x_test_acc'; expected a data set of it: y"),
        (GOOD.replace("{1}", "{0}"), "twice"),
        (GOOD.replace("70.5", "ninety"), "row 3 of the table .* has 'ninety'"),
        (GOOD.replace("60", "160"), "row 2 .* expected percent"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_accuracies(write(tmp_path / "t.csv", text), "x")


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_accuracies(tmp_path / "t.csv", "x")


@pytest.mark.skipif("TASKZOO_DATA" not in os.environ, reason="TASKZOO_DATA is not set: no table of NAS-Bench-201")
@pytest.mark.parametrize(("dataset", "tau"), [("cifar10", 0.594), ("cifar100", 0.645)])
def test_the_real_table_covers_the_space(dataset: str, tau: float) -> None:
    space = NASBench201Space()
    accuracies = read_accuracies(Path(os.environ["TASKZOO_DATA"]) / "nasbench201.csv.gz", dataset)
    validation, test = grid(space, accuracies.validation), grid(space, accuracies.test)
    assert kendalltau(validation.ravel(), test.ravel()).statistic == pytest.approx(tau, abs=5e-4)
    best = np.unravel_index(test.argmax(), test.shape)
    named = decode(space, tuple(int(index) for index in best))
    assert accuracies.test[cell_string(named)] == test.max()
