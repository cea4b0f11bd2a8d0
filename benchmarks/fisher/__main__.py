"""How fast and in how much memory the exact diagonal Fisher is taken, as a ratio to one plain pass.

``python -m benchmarks.fisher`` measures what is missing in ``benchmarks/results/fisher``, case by case, each in fresh
processes; ``--summary`` prints what is there, its last line as JSON; ``--quick`` tries three networks and keeps
nothing. Other libraries come with the extra ``bench``.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, Task, TaskProgressColumn, TextColumn

from benchmarks.fisher.cases import CASES, QUICK, Case
from benchmarks.fisher.measure import Store, cost, is_done, measure
from benchmarks.fisher.processes import ROOT
from benchmarks.fisher.report import as_line, render
from benchmarks.fisher.settings import Settings

RESULTS = ROOT / "benchmarks/results/fisher"


def main() -> None:
    """Measure and print, or print what is there."""
    options = parse()
    settings, cases = settings_of(options), cases_of(options)
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory() as scratch:
        store = Store((Path(scratch) if options.quick else options.results) / settings.label)
        if not options.summary:
            fill(store, cases, settings, again=options.again, console=console)
        records = {case.name: store.read(case) for case in cases}
    console.print(render(cases, records, title_of(settings)))
    print(as_line(cases, records))


def fill(store: Store, cases: Sequence[Case], settings: Settings, *, again: bool, console: Console) -> None:
    """Measure what is missing, and show the table so far with an ETA."""
    if again:
        for case in cases:
            store.remove(case)
    wanted = [case for case in cases if not is_done(case, store.read(case), settings)]
    progress = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console)
    bar = progress.add_task("starting", total=sum(cost(case, settings) for case in wanted))

    def table() -> RenderableType:
        records = {case.name: store.read(case) for case in cases}
        return Group(render(cases, records, title_of(settings)), progress)

    with Live(get_renderable=table, console=console, refresh_per_second=1, transient=True):

        def tell(text: str, spent: float) -> None:
            progress.update(bar, advance=spent)
            line = f"{text}, {left(progress.tasks[bar])}"
            progress.update(bar, description=line)
            if not console.is_terminal and not spent:
                print(line, file=sys.stderr)

        measure(wanted, settings, store, tell)


def left(task: Task) -> str:
    """Return an ETA, from the costs alone until the first step has shown how long they take."""
    pace = (task.elapsed or 0) / task.completed if task.completed else 1
    return f"about {math.ceil((task.remaining or 0) * pace / 60)} min left"


def title_of(settings: Settings) -> str:
    """Return the heading of the table."""
    return f"Exact diagonal Fisher, {settings.device}, {settings.precision}"


def settings_of(options: argparse.Namespace) -> Settings:
    """Return how to measure."""
    precision = "tf32" if options.tf32 else "bf16" if options.bf16 else "float32"
    if options.quick:
        return Settings(
            threads=options.threads,
            device=options.device,
            precision=precision,
            repeats=7,
            seconds=3,
            rival_limit=8,
            rival_repeats=1,
            rival_memory=False,
        )
    return Settings(options.threads, options.device, precision, repeats=options.repeats)


def cases_of(options: argparse.Namespace) -> list[Case]:
    """Return what to measure."""
    names = options.cases or (QUICK[options.device] if options.quick else None)
    return [case for case in CASES[options.device] if names is None or case.name in names]


def parse() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fisher", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="print what is there; the last line is JSON")
    parser.add_argument("--quick", action="store_true", help="three networks in under three minutes; keeps nothing")
    parser.add_argument("--again", action="store_true", help="measure what is there too")
    parser.add_argument("--cases", nargs="+", metavar="NAME", help="these only")
    parser.add_argument("--device", choices=sorted(CASES), default="cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="all cores where left out")
    parser.add_argument("--repeats", type=int, default=Settings.repeats, help="least rounds of plain and ours")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument("--tf32", action="store_true", help="float32 with TF32 products; results apart")
    precision.add_argument("--bf16", action="store_true", help="weights and images in bfloat16; results apart")
    options = parser.parse_args()
    if (options.tf32 or options.bf16) and options.device == "cpu":
        parser.error("--tf32 and --bf16 are for --device cuda")
    unknown = set(options.cases or ()) - {case.name for case in CASES[options.device]}
    if unknown:
        known = ", ".join(case.name for case in CASES[options.device])
        parser.error(f"--cases names {sorted(unknown)[0]!r}; expected some of {known}")
    return options


if __name__ == "__main__":
    main()
