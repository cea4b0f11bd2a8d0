"""What the commands that measure something more about the transfers share: options, environment, jobs."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environment import note_environment
from benchmarks.transfer import inputs
from benchmarks.transfer.settings import PROBES, SEEN, settings
from taskzoo.parallel import run_jobs

SEEN_REGIMES = sorted(set(SEEN.values()))


def measure_missing(
    measure: Callable[..., None],
    missing: Callable[[str, str, int], Iterator[tuple[Any, ...]]],
    environments: Path,
    description: str | None,
    regimes: Sequence[str] = SEEN_REGIMES,
) -> None:
    """Measure what is missing of the settings, regimes and draws that the command line asks for.

    Args:
        measure: One job; a top-level function, since other processes run it.
        missing: Its arguments, job by job, for a setting, a regime and a number of draws.
        environments: File that notes where it is measured.
        description: For help.
        regimes: Whose images are seen, unless others are asked for.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--settings", nargs="*", default=PROBES, choices=settings(), help="which probes")
    parser.add_argument("--regimes", nargs="*", default=regimes, choices=SEEN_REGIMES, help="whose images")
    parser.add_argument("--draws", type=int, default=1, help="how many draws of each target's images")
    options = parser.parse_args()
    note_environment(environments)
    inputs.build_datasets(options.settings)
    for setting in options.settings:
        inputs.train_sources(setting)
        for regime in options.regimes:
            run_jobs(measure, list(missing(setting, regime, options.draws)), f"{setting} {regime}")
