"""What supernets are worth: ``TASKZOO_DATA=... python -m benchmarks.supernets``.

SNAS says that its child needs no training of its own, since samples get one-hot, where a deterministic mixture that is
cut does; and that its price on resources gives smaller networks. EN2AS says that unusual paths teach a supernet better
than uniform ones. Both are asked at a scale of minutes. It measures what is missing in ``benchmarks/results/supernets``
and goes on where it was killed; ``--summary`` prints the headline, its last line as JSON.
"""

import argparse
import json

from rich.console import Console
from rich.table import Table

from benchmarks.environment import note_environment
from benchmarks.supernets import paths, relaxed
from benchmarks.supernets.report import headline, tables
from benchmarks.supernets.settings import RESULTS
from benchmarks.transfer.inputs import build_datasets
from taskzoo.parallel import run_jobs


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.supernets", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        build_datasets()
        run_jobs(relaxed.measure, relaxed.missing(), "mixtures")
        run_jobs(paths.measure, paths.missing(), "paths")
        run_jobs(paths.measure_alone, paths.missing_alone(), "alone")
    figures = headline()
    for name, (head, lines) in tables(figures).items():
        table = Table(*head, title=name)
        for line in lines:
            table.add_row(*line)
        Console(width=120).print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
