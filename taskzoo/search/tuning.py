"""From a task's trials to its chosen, trained and once tested network, in one folder."""

from collections.abc import Sequence
from pathlib import Path

from taskzoo.data.tasks import Task
from taskzoo.files import new_folder, write_json
from taskzoo.params import ProbeParams, SearchParams
from taskzoo.probe.probes import tensors
from taskzoo.probe.training import accuracy
from taskzoo.search.cells import CellSpace
from taskzoo.search.models import ModelSpace
from taskzoo.search.network import describe_network, save_network, train_final
from taskzoo.search.problem import Problem
from taskzoo.search.results import Elites, SearchRecord, Trial, elites, save_record
from taskzoo.search.run import candidate_recipe
from taskzoo.search.space import encode

TRIALS, ELITES, METRICS = "trials.json", "elites.json", "metrics.json"


def make_problem(task: Task, search: SearchParams, probe: ProbeParams) -> Problem:
    """Return what searches may see of a task: its training and validation images."""
    recipe = candidate_recipe(search)
    return Problem(*tensors(task.train, probe), *tensors(task.val, probe), len(task.classes), recipe)


def options(space: CellSpace | ModelSpace) -> dict[str, tuple[str, ...]]:
    """Return a space's options by decision."""
    return {choice.name: choice.options for choice in space.choices}


def write_search(
    folder: Path,
    task: Task,
    space: CellSpace | ModelSpace,
    arms: dict[str, dict[str, tuple[str, ...]]],
    trials: Sequence[Trial],
    search: SearchParams,
    probe: ProbeParams,
) -> dict[str, float]:
    """Train the best architecture whole, test it once, and write records, weights and numbers in one step.

    Args:
        folder: Where; replaced as a whole.
        task: With all three splits.
        space: The whole space.
        arms: Arm -> options by decision of the space it searched.
        trials: Of all arms; the choice is made on their validation accuracy.
        search: How many elites, and the final training.
        probe: Input form.

    Returns:
        Numbers of the chosen network.
    """
    best = elites(trials, search.elites)
    architecture = encode(space, best[0].architecture)
    network = train_final(space, architecture, *tensors(task.train, probe), len(task.classes), search, seed=0)
    metrics = {
        "search_val_accuracy": best[0].accuracy,
        "tuned_val_accuracy": accuracy(network, *tensors(task.val, probe)),
        "tuned_test_accuracy": accuracy(network, *tensors(task.test, probe)),
        "parameters": float(sum(weight.numel() for weight in network.parameters())),
        "macs": float(best[0].macs),
    }
    record = SearchRecord(
        task=task.name, kind=search.space, backbone=probe.backbone, options=arms, trials=tuple(trials)
    )
    with new_folder(folder) as temporary:
        save_network(temporary, describe_network(space, architecture, probe, task.classes), network)
        save_record(temporary / TRIALS, record)
        save_record(temporary / ELITES, Elites(task=task.name, elites=tuple(best)))
        write_json(temporary / METRICS, metrics)
    return metrics
