"""Accuracies that others have measured: a search over them costs nothing but looking up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from taskzoo.errors import InputError
from taskzoo.params import CostName
from taskzoo.search.metrics import Metrics
from taskzoo.search.nasbench201 import NASBench201Space, cell_string
from taskzoo.search.rewards import Reward, by_accuracy
from taskzoo.search.space import Architecture, decode

VALIDATION, TEST = "_val_acc_12ep", "_test_acc"  # After a short training, and after a long one.
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Accuracies:
    """Of all cells of NAS-Bench-201 on one data set.

    Attributes:
        validation: What a search may look at, by the cell's name, in [0, 1].
        test: The truth, in [0, 1]; no search sees it.
    """

    validation: Mapping[str, float]
    test: Mapping[str, float]


def read_accuracies(path: Path, dataset: str) -> Accuracies:
    """Read a table: ``arch``, and for each data set its ``_val_acc_12ep`` and ``_test_acc``, in percent.

    Args:
        path: A CSV file, which may be compressed.
        dataset: Whose columns.

    Returns:
        The accuracies.

    Raises:
        InputError: If there is no such file, a column is missing, a cell is there twice, or a value is no percentage.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError as error:
        raise InputError(f"the table {path} does not exist; expected a CSV file; correct the path.") from error
    except (UnicodeDecodeError, OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the table {path} cannot be read ({reason}); expected a CSV file; convert it.") from error
    wanted = ("arch", dataset + VALIDATION, dataset + TEST)
    if missing := [name for name in wanted if name not in table]:
        sets = sorted(str(name).removesuffix(TEST) for name in table.columns if str(name).endswith(TEST))
        raise InputError(
            f"the table {path} has no column {missing[0]!r}; expected a data set of it: "
            f"{', '.join(sets) or 'it has none'}; choose one."
        )
    if table["arch"].duplicated().any():
        twice = table["arch"][table["arch"].duplicated()].iloc[0]
        raise InputError(f"the table {path} has the cell {twice} twice; expected one row a cell; remove one.")
    validation, test = (_shares(path, table, name) for name in wanted[1:])
    return Accuracies(validation, test)


def _shares(path: Path, table: pd.DataFrame, column: str) -> dict[str, float]:
    values = pd.to_numeric(table[column], errors="coerce")
    if not values.between(0, 100).all():
        row = int(np.flatnonzero(~values.between(0, 100))[0])
        raise InputError(
            f"row {row + 2} of the table {path} has {table[column].iloc[row]!r} as {column}; expected percent, from 0 "
            "to 100; mend the row."
        )
    return dict(zip(table["arch"], (values / 100).tolist(), strict=True))


@dataclass(frozen=True)
class TableProblem:
    """One data set to search for, by its validation accuracies.

    Args:
        accuracies: The table.
        classes: Of the data set, for the networks' sizes.
        image_size: Pixels a side, likewise.
        reward: What a search maximises.
        costs: What a search for several objectives minimises: parameters or multiply-accumulates.
    """

    accuracies: Accuracies
    classes: int = 10
    image_size: int = 32
    reward: Reward = by_accuracy
    costs: Sequence[CostName] = ("macs",)

    def evaluate(self, space: NASBench201Space, architecture: Architecture, seed: int) -> Metrics:
        """Look an architecture up.

        Args:
            space: Whole or restricted.
            architecture: Option indices.
            seed: Without effect: the table has one short training of each.

        Returns:
            Its validation accuracy, parameters and multiply-accumulates.
        """
        name = cell_string(decode(space, architecture))
        parameters, macs = space.costs(architecture, self.classes, self.image_size)
        accuracy = _entry(self.accuracies.validation, name)
        return Metrics(accuracy=accuracy, parameters=parameters, macs=macs)


def grid(space: NASBench201Space, values: Mapping[str, float]) -> Array:
    """Return the values of all architectures of a space, one axis a decision.

    Args:
        space: Whole or restricted.
        values: By the cell's name.

    Returns:
        An array whose element at an architecture is its value.
    """
    axes = [range(len(choice.options)) for choice in space.choices]
    flat = [_entry(values, cell_string(decode(space, architecture))) for architecture in product(*axes)]
    return np.array(flat).reshape([len(axis) for axis in axes])


def _entry(values: Mapping[str, float], name: str) -> float:
    if name not in values:
        raise InputError(f"the table has no cell {name}; expected all of the space; complete the table.")
    return values[name]
