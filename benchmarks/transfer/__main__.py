"""Which source transfers best, and which measure tells it: ``python -m benchmarks.transfer``.

It measures what is missing in ``benchmarks/results/transfer``, regime by regime, and goes on where it was killed;
``--summary`` writes the page beside this file from what is there, and prints the headline as its last line.
"""

import argparse
import json

from benchmarks.environment import environments, note_environment
from benchmarks.transfer.costs import measure_costs
from benchmarks.transfer.evaluate import evaluations
from benchmarks.transfer.figure import abstention_figure
from benchmarks.transfer.headline import headline
from benchmarks.transfer.inputs import build_datasets, train_sources
from benchmarks.transfer.report import FIGURE, page
from benchmarks.transfer.scores import measure_scores
from benchmarks.transfer.settings import DRAWS, HERE, PROBES, REGIMES, RESULTS, ROOT, SCORED_DRAWS, SEEN, settings
from benchmarks.transfer.truth import measure_truth
from taskzoo.files import write_text
from taskzoo.probe.network import device
from taskzoo.report.figures.style import save_png

ENVIRONMENTS = RESULTS / "environments.json"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", nargs="*", default=PROBES, choices=settings(), help="which probes")
    parser.add_argument("--regimes", nargs="*", default=REGIMES, help="which regimes")
    parser.add_argument("--draws", type=int, default=DRAWS, help="how many draws of each target's images")
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.summary:
        summarise()
        return
    note_environment(ENVIRONMENTS)
    build_datasets(options.settings)
    for setting in options.settings:
        train_sources(setting)
    for regime in options.regimes:
        for setting in options.settings:
            measure_truth(setting, regime, options.draws)
            if regime == SEEN[regime]:
                measure_scores(setting, regime, min(options.draws, SCORED_DRAWS))
                # Where seconds of the processor are those of the work; a target's data set does not change them.
                if setting in PROBES and device().type == "cpu":
                    measure_costs(setting, regime)


def summarise() -> None:
    """Write the page and its figure, and print the headline."""
    found = evaluations()
    write_text(HERE / "README.md", page(found, environments(ENVIRONMENTS)))
    answered = [each for each in found if each.answers is not None]
    if answered:
        save_png(abstention_figure(answered), ROOT / FIGURE)
    print(json.dumps(headline(found)))


if __name__ == "__main__":
    main()
