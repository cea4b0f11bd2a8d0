"""From a task's trials to its chosen, trained and once tested network, in one folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from taskzoo.files import new_folder, write_bytes, write_json
from taskzoo.params import ProbeParams, SearchParams
from taskzoo.probe.dense_forms import NumberForm, PixelForm
from taskzoo.probe.forms import AnyTask, class_names, form_of, record_of
from taskzoo.probe.network import State
from taskzoo.search.decoders import DecoderSpace
from taskzoo.search.examples import examples
from taskzoo.search.finalists import train_finalists
from taskzoo.search.metrics import measured_costs
from taskzoo.search.network import describe_network, save_network
from taskzoo.search.pareto import front
from taskzoo.search.problem import Problem
from taskzoo.search.results import Elites, SearchRecord, Trial, confirm, elites, save_record
from taskzoo.search.rewards import make_reward
from taskzoo.search.run import candidate_recipe
from taskzoo.search.space import SearchSpace, encode

TRIALS, ELITES, FRONT, METRICS = "trials.json", "elites.json", "front.json", "metrics.json"
EXAMPLES = "examples.png"  # Of dense targets.


def make_problem(task: AnyTask, search: SearchParams, probe: ProbeParams) -> Problem:
    """Return what searches may see of a task: its training and validation images."""
    recipe, form = candidate_recipe(search), form_of(task)
    images = (*form.tensors(task.train, probe), *form.tensors(task.val, probe))
    return Problem(*images, form, recipe, make_reward(search.reward), search.costs)


def options(space: SearchSpace) -> dict[str, tuple[str, ...]]:
    """Return a space's options by decision."""
    return {choice.name: choice.options for choice in space.choices}


def write_search(
    folder: Path,
    task: AnyTask,
    space: SearchSpace,
    state: State,
    arms: dict[str, dict[str, tuple[str, ...]]],
    trials: Sequence[Trial],
    search: SearchParams,
    probe: ProbeParams,
    inherited: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Train the finalists, test the best of them once, and write records, weights and numbers in one step.

    Args:
        folder: Where; replaced as a whole.
        task: With all three splits.
        space: The whole space.
        state: Of the probe's backbone, which every trunk starts from.
        arms: Arm -> options by decision of the space it searched.
        trials: Of all arms; the choice is made on their rewards.
        search: How many elites, and the final trainings.
        probe: Input form.
        inherited: Architecture that is recommended without a search, option by decision; None where none is.

    Returns:
        Numbers of the chosen network.
    """
    problem, undominated = make_problem(task, search, probe), front(elites(trials, len(trials)), search.costs)
    best = confirm(space, problem, trials, search.elites, search.confirmations)
    architecture = encode(space, best[0].architecture)
    given = None if inherited is None else encode(space, inherited)
    finalists = train_finalists(space, architecture, given, probe.backbone, state, problem, search.final)
    chosen, form = finalists[0], problem.form
    metrics: dict[str, float] = {
        "search_val_accuracy": best[0].accuracy,
        **{f"{each.name}_val_accuracy": each.metrics.accuracy for each in finalists},
        "tuned_val_accuracy": chosen.metrics.accuracy,
        "tuned_test_accuracy": form.score(chosen.network, *form.tensors(task.test, probe)),
        **measured_costs(chosen.metrics),
    }
    names = class_names(task)
    spec = describe_network(chosen.space, chosen.architecture, probe, names, chosen.name, record_of(form))
    kind = "decoders" if isinstance(space, DecoderSpace) else search.space
    record = SearchRecord(task=task.name, kind=kind, backbone=probe.backbone, options=arms, trials=tuple(trials))
    with new_folder(folder) as temporary:
        save_network(temporary, spec, chosen.network)
        save_record(temporary / TRIALS, record)
        save_record(temporary / ELITES, Elites(task=task.name, elites=tuple(best)))
        save_record(temporary / FRONT, Elites(task=task.name, elites=tuple(undominated)))
        write_json(temporary / METRICS, metrics)
        if isinstance(form, PixelForm | NumberForm):
            write_bytes(temporary / EXAMPLES, examples(form, chosen.network, task.test, probe))
    return metrics
