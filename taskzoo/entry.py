"""How every command begins and ends: logging quiet, errors in one sentence, a non-zero exit."""

import os
import sys
import warnings
from collections.abc import Callable

from taskzoo.errors import InputError

USAGE_ERROR = 2


def run(command: Callable[..., None], *arguments: object) -> None:
    """Call a command; print bad input as one sentence on standard error and exit with status 2.

    Args:
        command: What to do.
        *arguments: Passed on.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    warnings.filterwarnings("ignore", category=UserWarning, module="torch|timm|mlflow")
    try:
        command(*arguments)
    except InputError as error:
        print(f"taskzoo: {error}", file=sys.stderr)
        sys.exit(USAGE_ERROR)


def stage(command: Callable[..., None]) -> None:
    """Run a pipeline stage with the words of its command line as arguments."""
    run(command, *sys.argv[1:])
