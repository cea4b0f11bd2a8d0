"""Measure what each recommendation is worth beside its controls: comparisons/<task>.json."""

from pathlib import Path

from rich.console import Console
from rich.progress import track

from taskzoo.entry import stage
from taskzoo.params import load_params
from taskzoo.probe.network import initial_state
from taskzoo.recommend.advice import load_advice
from taskzoo.search.results import Elites, SearchRecord, load_record
from taskzoo.search.tuning import ELITES, TRIALS
from taskzoo.workflow.comparing import Zoo
from taskzoo.workflow.stored import compare_stored


def compare() -> None:
    """Compare every target whose advice, data or sources changed; keep the others."""
    params = load_params()
    names = list(params.tasks)
    searches = Path("searches")
    zoo = Zoo(
        probes={n: [Path("probes") / n / f"{r}.safetensors" for r in range(params.train.repeats)] for n in names},
        elites={n: [e.architecture for e in load_record(searches / n / ELITES, Elites).elites] for n in names},
        initial=initial_state(params.probe),
    )
    for name in track(names, "compare", console=Console(stderr=True)):
        advice = load_advice(Path("recommendations") / f"{name}.json")
        full = load_record(searches / name / TRIALS, SearchRecord).trials
        compare_stored(Path("comparisons") / f"{name}.json", name, advice, zoo, full, params)


if __name__ == "__main__":
    stage(compare)
