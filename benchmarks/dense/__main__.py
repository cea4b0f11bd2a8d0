"""Which dense tasks lie near each other, beside Taskonomy's affinities: ``python -m benchmarks.dense``.

Ten tasks on synthetic rooms. It measures what is missing in ``benchmarks/results/dense`` and goes on where it was
killed; ``--summary`` writes the page beside this file and the figure from what is there, and prints the headline as
its last line.
"""

import argparse
import json

from rich.console import Console
from rich.table import Table

from benchmarks.dense.inputs import build_rooms
from benchmarks.dense.measure import DISTANCES, measure_distances
from benchmarks.dense.report import (
    AGREEMENT_HEAD,
    FIGURE,
    FOLLOWING_HEAD,
    agreement_rows,
    atlas_figure,
    following_rows,
    headline,
    page,
)
from benchmarks.dense.settings import DRAWS, ENVIRONMENTS, HERE, REPEATS, ROOT
from benchmarks.dense.truth import measure_truth
from benchmarks.environment import environments, note_environment
from taskzoo.files import write_text
from taskzoo.report.figures.style import save_png


def main() -> None:
    """Measure, or only summarise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dense", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="trainings of a source")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of a target's few images")
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.summary:
        summarise()
        return
    note_environment(ENVIRONMENTS)
    build_rooms()
    measure_distances(options.repeats)
    measure_truth(min(options.draws, options.repeats))


def summarise() -> None:
    """Write the page and its figure, and print the tables and the headline."""
    figures = headline()
    write_text(HERE / "README.md", page(environments(ENVIRONMENTS)))
    if DISTANCES.exists():
        save_png(atlas_figure(), ROOT / FIGURE)
    console = Console(width=120)
    console.print(_table("Agreement with Taskonomy", AGREEMENT_HEAD, agreement_rows(figures)))
    for images in figures["transfer"]:
        console.print(_table(f"Transfer, {images} images", FOLLOWING_HEAD, following_rows(figures, images)))
    print(json.dumps(figures))


def _table(title: str, head: tuple[str, ...], lines: list[list[str]]) -> Table:
    shown = Table(*head, title=title)
    for line in lines:
        shown.add_row(*line)
    return shown


if __name__ == "__main__":
    main()
