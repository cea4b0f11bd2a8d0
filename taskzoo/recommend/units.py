"""The unit in which parts of a score are added: standard deviations over the sources."""

import math

import numpy as np
import numpy.typing as npt


def centre_and_spread(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the standard deviation of the sources' values.

    Args:
        values: One a source, [n].

    Returns:
        The spread is infinite where all sources are alike, so that what is divided by it vanishes.
    """
    spread = float(values.std())
    return float(values.mean()), spread if spread > 0 else math.inf


def standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sources' values in that unit, counted from their mean, [n]; zeros where all are alike."""
    mean, spread = centre_and_spread(values)
    return np.asarray((values - mean) / spread)
