"""What narrowing spares the search for decoders of dense targets: ``python -m benchmarks.dense.search``.

The product's own search, on the trunk of each task's own probe, with so many candidate trainings in every arm; what is
found is trained with the product's recipe and tested once. Sources are those that the product recommends by the
committed distances (see ``sources``), never by what transferred or by Taskonomy's affinities; their elites come from a
search of their own. Then every strategy searches the whole space (see ``strategies``). It runs what is missing in
``search.csv`` and ``strategies.csv`` of ``benchmarks/results/dense`` and goes on where it was killed; ``--summary``
prints the headline, its last line as JSON. ``python -m benchmarks.dense --summary`` then writes the page.
"""

import argparse
import json

from rich.console import Console
from rich.table import Table

from benchmarks.dense.inputs import build_rooms
from benchmarks.dense.search import strategies
from benchmarks.dense.search.measure import EVERY, keep_elites, measure, missing, read_runs, train_trunks
from benchmarks.dense.search.report import HEAD, headline, lines
from benchmarks.dense.search.sources import sources
from benchmarks.dense.settings import ENVIRONMENTS
from benchmarks.environment import note_environment
from taskzoo.parallel import run_jobs


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dense.search", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(ENVIRONMENTS)
        build_rooms()
        train_trunks()
        asked = sorted({source for job in EVERY for source in sources(*job)})
        run_jobs(keep_elites, [(source,) for source in asked], "elites")
        run_jobs(measure, missing(), "runs")
        run_jobs(strategies.measure, strategies.missing(), "strategies")
    figures = headline(read_runs())
    shown = Table(*HEAD, title="Search for decoders: skill, mean and spread over seeds")
    for line in lines(figures):
        shown.add_row(*line)
    Console(width=140).print(shown)
    by_strategy = Table(*strategies.HEAD, title="By strategy, in the whole space: skill, mean and spread over seeds")
    for line in strategies.lines(strategies.read_runs()):
        by_strategy.add_row(*line)
    Console(width=140).print(by_strategy)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
