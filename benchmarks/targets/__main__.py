"""Search for real targets with real training, at equal time: ``TASKZOO_DATA=... python -m benchmarks.targets``.

Every run has the same processor seconds on one thread, so that other work on the machine does not count; all of its
trainings are among them. A search of the whole space spends half on short candidate trainings on a frozen trunk, a
narrowed one a tenth of that, and the rest goes into training what they found, its top first and then whole, whichever
is better on validation images; what a person would do instead spends all of it on that. Sources are those that the
recommender ranks first among the tasks of other data sets, by the committed scores of ``benchmarks.transfer`` from ten
images a class; their elites come from a search of their own. It runs what is missing in ``benchmarks/results/targets``
and goes on where it was killed; ``--summary`` prints the headline, its last line as JSON.
"""

import argparse
import json

from rich.console import Console

from benchmarks.environment import note_environment
from benchmarks.targets.measure import RESULTS, chosen, elites, measure, missing, planned, read_runs
from benchmarks.targets.report import headline, show
from benchmarks.transfer import inputs
from taskzoo.parallel import run_jobs


def main() -> None:
    """Measure, or print what is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    if not parser.parse_args().summary:
        note_environment(RESULTS / "environments.json")
        inputs.build_datasets()
        sources = {source for each in planned() for source in chosen(*each)}
        run_jobs(elites, [(source,) for source in sorted(sources)], "sources")
        run_jobs(measure, missing(), "runs")
    figures = headline(read_runs())
    Console(width=140).print(show(figures))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
