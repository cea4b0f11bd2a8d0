"""The published matrices, read from ``papers.yaml``."""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import ValidationError, model_validator

from taskzoo.errors import InputError
from taskzoo.params import Section, describe

PATH = Path(__file__).parent / "papers.yaml"
Array = npt.NDArray[np.float64]


class Network(Section):
    """Distances by one network: rows sources, columns targets.

    Attributes:
        mean: Over the runs.
        std: Standard deviation over the runs.
    """

    mean: list[list[float]]
    std: list[list[float]]


class Published(Section):
    """A set of tasks whose distances were published.

    Attributes:
        paper: Authors, title and number.
        origin: Where the numbers stand.
        digitised: Whether they were measured off a picture.
        measure: The distance, by the product's name.
        tasks: In the order of the matrices.
        networks: By the paper's name of the network.
    """

    paper: str
    origin: str
    digitised: bool
    measure: Literal["ftd", "logdet"]
    tasks: list[str]
    networks: dict[str, Network]

    @model_validator(mode="after")
    def _matrices_fit(self) -> "Published":
        size = len(self.tasks)
        for name, network in self.networks.items():
            for table in (network.mean, network.std):
                if [len(row) for row in table] != [size] * size:
                    raise ValueError(f"networks.{name} is not {size} rows of {size} numbers, one a task")
                if any(table[i][i] != 0 for i in range(size)) or min(map(min, table)) < 0:
                    raise ValueError(f"networks.{name} has a negative number or one other than 0 in its diagonal")
        return self

    def mean(self) -> Array:
        """Return the mean over the networks, [S, T]."""
        return np.asarray(np.mean([network.mean for network in self.networks.values()], axis=0))


@cache
def papers(path: Path = PATH) -> dict[str, Published]:
    """Read the published matrices.

    Args:
        path: A YAML file of sets by name.

    Returns:
        The sets.

    Raises:
        InputError: If a matrix does not fit its tasks, or a key is unknown, missing or wrong.
    """
    raw = yaml.safe_load(path.read_text())
    try:
        return {name: Published.model_validate(each) for name, each in raw.items()}
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}; mend it and run the same command again.") from error
