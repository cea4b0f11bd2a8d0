"""What is measured of a trained architecture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """Of one trained architecture.

    Args:
        accuracy: On the validation images, in [0, 1].
        parameters: Of the whole network, trunk included.
        macs: Multiply-accumulates of the whole network on one image.
    """

    accuracy: float
    parameters: int
    macs: int
