"""The published matrices of two papers at small scale: ``python -m benchmarks.published``.

It measures what is missing in ``benchmarks/results/published``, seed by seed, and goes on where it was killed;
``--summary`` writes the page beside this file and its figure from what is there, and prints the headline as its last
line. ``TASKZOO_DATA`` names the folder with MNIST and CIFAR-10.
"""

import argparse
import json

from benchmarks import rows
from benchmarks.environment import environments, note_environment
from benchmarks.published.cells import COLUMNS, measure, results
from benchmarks.published.evaluate import evaluate, headline
from benchmarks.published.figure import matrices_figure
from benchmarks.published.report import FIGURE, page
from benchmarks.published.settings import ENVIRONMENTS, FAMILIES, HERE, ROOT, SEEDS, build_datasets
from taskzoo.files import write_text
from taskzoo.parallel import run_jobs
from taskzoo.report.figures.style import save_png


def main() -> None:
    """Measure, or only summarise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="*", default=FAMILIES, choices=FAMILIES, help="which networks")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many runs")
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.summary:
        summarise()
        return
    build_datasets()
    note_environment(ENVIRONMENTS)
    for family in options.families:
        rows.drop_others(results(family), COLUMNS)
    run_jobs(measure, [(family, seed) for seed in range(options.seeds) for family in options.families], "published")


def summarise() -> None:
    """Write the page and the figure, and print the headline."""
    found = evaluate()
    figures = headline(found)
    write_text(HERE / "README.md", page(found, figures, environments(ENVIRONMENTS)))
    save_png(matrices_figure(found), ROOT / FIGURE)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
