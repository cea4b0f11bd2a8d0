"""``python -m benchmarks.transfer`` measures what is missing, regime by regime."""

import argparse

from benchmarks.transfer.inputs import build_datasets, train_sources
from benchmarks.transfer.settings import settings
from benchmarks.transfer.truth import measure_truth


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", nargs="*", default=list(settings()), help="which probes")
    parser.add_argument("--regimes", nargs="*", default=["few10", "linear", "few50", "full"], help="which regimes")
    options = parser.parse_args()
    build_datasets()
    for setting in options.settings:
        train_sources(setting)
    for regime in options.regimes:
        for setting in options.settings:
            measure_truth(setting, regime)


if __name__ == "__main__":
    main()
