"""All measures by name."""

from taskzoo.distance.fisher_kernel import FISHER_KERNEL
from taskzoo.distance.fisher_relative import FISHER_RELATIVE
from taskzoo.distance.ftd import FTD, FTD_REFERENCE_SQUARED
from taskzoo.distance.ftd_layerwise import FTD_LAYERWISE
from taskzoo.distance.lfc import LFC
from taskzoo.distance.logdet import LOGDET
from taskzoo.distance.protocol import Measure
from taskzoo.distance.ridge_loo import RIDGE_LOO
from taskzoo.distance.unlikeness import PIXEL_UNLIKENESS, UNLIKENESS
from taskzoo.errors import InputError

MEASURES: dict[str, Measure] = {
    one.name: one
    for one in (
        FISHER_KERNEL,
        RIDGE_LOO,
        LFC,
        UNLIKENESS,
        PIXEL_UNLIKENESS,
        FTD,
        FTD_REFERENCE_SQUARED,
        FTD_LAYERWISE,
        FISHER_RELATIVE,
        LOGDET,
    )
}


def measure(name: str) -> Measure:
    """Look a measure up.

    Args:
        name: As in params.yaml.

    Returns:
        The measure.

    Raises:
        InputError: If there is none of this name.
    """
    if name not in MEASURES:
        raise InputError(
            f"there is no measure {name!r}; expected one of {', '.join(MEASURES)}; correct distance.measures."
        )
    return MEASURES[name]
