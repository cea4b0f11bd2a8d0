"""What really transfers: the test accuracy that a target reaches from every source and from the initial state."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.progress import track

from benchmarks import rows
from benchmarks.transfer import inputs
from benchmarks.transfer.settings import DRAWS, REPEATS, RESULTS, Regime, settings
from benchmarks.transfer.stack import Stack
from taskzoo.data.tasks import TaskSplit, few_shot
from taskzoo.files import digest_json
from taskzoo.fisher.head import fit_head
from taskzoo.fisher.pairs import NO_TRANSFER
from taskzoo.parallel import run_jobs
from taskzoo.probe.forms import tensors
from taskzoo.probe.network import Probe, State, device, normalise
from taskzoo.probe.training import accuracy, fit, in_batches

COLUMNS = ("key", "target", "source", "draw", "accuracy")
Job = tuple[str, str, str, str, int]


def measure_truth(setting: str, regime: str, draws: int = DRAWS) -> None:
    """Let every target learn from every source and from the initial state, as far as that is not done."""
    jobs = list(missing(setting, regime, draws))
    if device().type == "cuda" and settings()[setting].regimes[regime].steps is not None:
        # One process: a GPU that several share does one thing at a time.
        for target, pairs in track(by_target(jobs).items(), f"{setting} {regime}", console=Console(stderr=True)):
            transfer_together(setting, regime, target, pairs)
    else:
        run_jobs(transfer, jobs, f"{setting} {regime}")


def path_of(setting: str, regime: str) -> Path:
    """Return the file of a regime's results."""
    return RESULTS / "truth" / f"{setting}-{regime}.csv"


def table(setting: str, regime: str) -> pd.DataFrame:
    """Return the results so far, one row a target, source and draw."""
    return rows.read(path_of(setting, regime), COLUMNS)


def missing(setting: str, regime: str, draws: int = DRAWS) -> Iterator[Job]:
    """Yield what is not done; draws change slowest, so that a part is a whole table of fewer draws."""
    done = set(table(setting, regime)["key"])
    for draw in range(draws):
        for source in (NO_TRANSFER, *settings()[setting].sources):
            for target in settings()[setting].targets:
                if target != source and key(setting, regime, target, source, draw) not in done:
                    yield setting, regime, target, source, draw


def by_target(jobs: list[Job]) -> dict[str, list[tuple[str, int]]]:
    """Return source and draw of every job, by target."""
    found: dict[str, list[tuple[str, int]]] = {}
    for _, _, target, source, draw in jobs:
        found.setdefault(target, []).append((source, draw))
    return found


def key(setting: str, regime: str, target: str, source: str, draw: int) -> str:
    """Return a hash of all that a result depends on."""
    params = settings()[setting]
    known = "" if source == NO_TRANSFER else [inputs.task(setting, source).digest, params.training.model_dump()]
    how = params.regimes[regime]
    parts = [inputs.task(setting, target).digest, source, known, inputs.print_of(setting), draw, vars(how)]
    return digest_json([*parts, params.batch_size, params.learning_rate])[:12]


def transfer(setting: str, regime: str, target: str, source: str, draw: int) -> None:
    """Run one draw of one pair and keep its accuracy."""
    task, how = inputs.task(setting, target), settings()[setting].regimes[regime]
    state = inputs.state(setting, source, draw % REPEATS)
    value = learn(setting, how, state, chosen(task.val, how, draw), task.test, len(task.classes), draw)
    keep(setting, regime, target, {(source, draw): value})


def transfer_together(setting: str, regime: str, target: str, pairs: list[tuple[str, int]]) -> None:
    """Fine-tune a target from many sources, each with the images of its draw, at once; keep the accuracies."""
    task, params = inputs.task(setting, target), settings()[setting]
    how, classes = params.regimes[regime], len(task.classes)
    draws = sorted({draw for _, draw in pairs})
    images, labels = zip(*(tensors(chosen(task.val, how, draw), params.probe) for draw in draws), strict=True)
    sets = torch.tensor([draws.index(draw) for _, draw in pairs])
    form = inputs.network(setting, classes, inputs.initial(setting))
    head = {f"head.{name}": value for name, value in form.head.state_dict().items()}
    stack = Stack(form, [{**at_hand(setting, source, draw % REPEATS), **head} for source, draw in pairs])
    stack.fit(torch.stack(images), torch.stack(labels), sets, params.recipe(how), draws)
    found = stack.accuracies(*tensors(task.test, params.probe))
    keep(setting, regime, target, dict(zip(pairs, found, strict=True)))


@cache
def at_hand(setting: str, source: str, repeat: int) -> State:
    """Return the backbone of a training of a source, on the GPU, under the names of a whole network."""
    state = inputs.state(setting, source, repeat)
    return {f"backbone.{name}": value.to(device()) for name, value in state.items()}


def keep(setting: str, regime: str, target: str, accuracies: Mapping[tuple[str, int], float]) -> None:
    """Add accuracies of a target, by source and draw, to the file of results."""
    lines = [
        (key(setting, regime, target, source, draw), target, source, draw, f"{value:.4f}")
        for (source, draw), value in accuracies.items()
    ]
    rows.append(path_of(setting, regime), COLUMNS, lines)


def chosen(pool: TaskSplit, how: Regime, draw: int) -> TaskSplit:
    """Return the images that a target has in a draw."""
    return pool if how.images is None else few_shot(pool, how.images, draw)


def learn(setting: str, how: Regime, state: State, few: TaskSplit, test: TaskSplit, classes: int, seed: int) -> float:
    """Return the test accuracy after learning from few images."""
    params = settings()[setting].probe
    network = learned(setting, how, state, few, classes, seed)
    return accuracy(network, normalise(test.images, params), torch.from_numpy(test.labels))


def learned(setting: str, how: Regime, state: State, few: TaskSplit, classes: int, seed: int) -> Probe:
    """Return a network that learned from few images."""
    params = settings()[setting]
    network = inputs.network(setting, classes, state)
    images, labels = tensors(few, params.probe)
    if how.steps is None:
        network.head.load_state_dict(fit_head(in_batches(network.backbone, images), labels, classes).state_dict())
    else:
        fit(network, images, labels, params.recipe(how), seed)
    return network
