"""What every Fisher diagonal must be: finite, not negative, not all zero."""

from torch import Tensor

from taskzoo.errors import InputError

Diagonal = dict[str, Tensor]


def check_fisher(values: Diagonal, where: str) -> None:
    """Refuse what cannot be a Fisher diagonal.

    Args:
        values: Tensors by parameter name.
        where: What they are of, for messages.

    Raises:
        InputError: If there is none, one is not finite or negative, or all are zero.
    """
    for name, value in values.items():
        if not value.isfinite().all():
            raise InputError(
                f"{where} is not finite at {name}; expected finite values; look for a network that diverged, "
                "and train it again at a lower rate."
            )
        if (value < 0).any():
            raise InputError(f"{where} is negative at {name}; expected squares; the file is damaged: compute it again.")
    if not any(value.any() for value in values.values()):
        raise InputError(
            f"{where} is zero everywhere; expected a positive trace; look for a dead network or a saturated "
            "head, and train it again."
        )
