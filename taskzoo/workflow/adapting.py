"""Adding one new target to the zoo: the whole path for one data set, beside what exists and without touching it."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskzoo.data.record import SPLITS
from taskzoo.data.store import build_dataset
from taskzoo.data.validation import validate
from taskzoo.distance.appearance import Appearance
from taskzoo.distance.compute import compute_distances, saved_appearance
from taskzoo.distance.matrix import Distances
from taskzoo.errors import InputError
from taskzoo.files import new_folder, write_json
from taskzoo.fisher.pairs import NO_TRANSFER, PERMUTED, observe_pairs
from taskzoo.params import DatasetParams, MeasureName, Params, check_name
from taskzoo.probe.forms import AnyTask, form_of
from taskzoo.probe.network import State, fingerprint, initial_state
from taskzoo.probe.probes import recipe_of, train_from, train_probes
from taskzoo.probe.storage import ProbeRecord, load_backbone
from taskzoo.recommend.advice import Advice, advise, save_advice
from taskzoo.recommend.belief import usual
from taskzoo.recommend.comparison import Comparison
from taskzoo.registry.store import Registry
from taskzoo.search.finalists import FinalistName
from taskzoo.search.models import MODEL
from taskzoo.search.network import SPEC_FILE, NetworkSpec, load_spec
from taskzoo.search.spaces import make_space_for
from taskzoo.search.tuning import make_problem, options, write_search
from taskzoo.search.workers import Searches, search_together
from taskzoo.workflow.comparing import Zoo, compare_transfers, narrowed_spaces
from taskzoo.workflow.new_target import NewTarget
from taskzoo.workflow.packaging import Parts, package_task
from taskzoo.workflow.workspace import TARGETS, UNFINISHED, load_any_task
from taskzoo.workflow.zoo import find_index, load_zoo, past_transfers, shortlist, still_registered

DOCS = Path("data-docs")


@dataclass(frozen=True)
class Outcome:
    """What a person is told in the end.

    Args:
        name: The new task.
        advice: Its sources and narrowed space.
        comparison: Few-shot transfers and searches beside their controls.
        start: What the chosen network was trained from.
        finalist: Which of the compared networks was chosen.
        metrics: Numbers of the chosen network.
        uri: Of the registry.
        dataset: Where it came from.
        target: The dense target, or empty.
        score: What numbers of it are called: accuracy, or skill where there is no class of an image.
    """

    name: str
    advice: Advice
    comparison: Comparison
    start: str
    finalist: FinalistName
    metrics: Mapping[str, float]
    uri: str
    dataset: DatasetParams
    target: str
    score: str


def adapt_target(new: NewTarget, params: Params) -> Outcome:
    """Measure, advise, search, train and register one new target.

    Args:
        new: What is asked for.
        params: Of the zoo; the new target is not in it.

    Returns:
        The outcome; everything made lies in targets/<name>.

    Raises:
        InputError: If anything is refused; a target that is new leaves no trace then but its Data Docs.
    """
    _check_new(new.name, params)
    known = (TARGETS / new.name).exists()
    try:
        return _adapt(new, params)
    except InputError:
        if not known:
            shutil.rmtree(TARGETS / new.name, ignore_errors=True)
        raise


def _adapt(new: NewTarget, params: Params) -> Outcome:
    """Do it, one step after the other."""
    name, spec, dataset = new.name, new.task(), new.dataset()
    if unmeasured := params.unmeasured(spec):
        raise InputError(f"{name}: {unmeasured}; add it there, or choose one of them.")
    ranks = params.recommend.ranks(spec)
    initial = initial_state(params.probe)
    identity = fingerprint(params.probe, initial)
    index = find_index(identity)
    folder = TARGETS / name
    _prepare(dataset, name, folder, params)
    task = load_any_task(name, spec, folder / "data", params, SPLITS)
    registry = Registry(None, Path())
    past = past_transfers(identity, ranks, params.recommend.likeness)
    registered = load_zoo(identity, still_registered(shortlist(index, task, initial, params, past), identity))
    zoo = Zoo(
        probes={source: task.probes() for source, task in registered.items()},
        elites={source: task.architectures() for source, task in registered.items()},
        initial=initial,
    )
    (records,) = train_probes({folder / "probes": task}, params.probe, params.train, initial).values()
    own = [folder / "probes" / f"{repeat}.safetensors" for repeat in range(params.train.repeats)]
    looks = {source: task.package.appearance for source, task in registered.items()}
    distances = _measure(task, zoo, looks, own, ranks, folder, params)
    column = distances.column(name)
    whole = options(make_space_for(form_of(task), params.search, params.probe, initial))
    belief = usual(params.probe, dense=spec.target is not None)
    advice = advise(column, zoo.elites, whole, params.recommend, params.search.explore, past, belief)
    save_advice(folder / "advice.json", advice)
    comparison, trunk, metrics = _search(task, advice, zoo, own[0], records[0], folder, params)
    parts = Parts(folder / "data", folder / "validation", own, folder / "fishers", folder / "search")
    package_task(name, spec, parts, distances, params, folder / "package")
    registry.register(folder / "package")
    registry.log_recommendation(identity, advice, comparison.transfers, name)
    chosen = load_spec(folder / "search" / SPEC_FILE)
    start = _start(trunk, chosen, params.probe.backbone)
    score = "accuracy" if chosen.pixels is None else "skill"
    return Outcome(name, advice, comparison, start, chosen.finalist, metrics, registry.uri, dataset, new.target, score)


def _check_new(name: str, params: Params) -> None:
    """Refuse a name that cannot be used.

    Args:
        name: Of the new target.
        params: Of the zoo.

    Raises:
        InputError: If it is no name, or one of params.yaml's.
    """
    try:
        check_name(name)
    except ValueError as error:
        raise InputError(f"name: {error}.") from error
    if name in params.tasks or name in params.datasets or name in {NO_TRANSFER, PERMUTED}:
        raise InputError(
            f"name: {name!r} already names a task or data set of params.yaml; expected a new name; choose another."
        )


def _prepare(spec: DatasetParams, name: str, folder: Path, params: Params) -> None:
    """Bring the data set into its canonical form, check it and put it under DVC's care.

    One that is refused leaves no trace but its Data Docs: an earlier one under this name stays.

    Args:
        spec: Where it is.
        name: Its name.
        folder: Of the target.
        params: Gives the shares of the splits.
    """
    candidate = folder / "candidate"
    try:
        build_dataset(name, spec, params.split, candidate / "data")
        validate(candidate / "data", candidate / "validation", DOCS / name)
        for part in ("data", "validation"):
            with new_folder(folder / part) as new:
                for file in (candidate / part).iterdir():
                    file.rename(new / file.name)
    finally:
        shutil.rmtree(candidate, ignore_errors=True)
    _version(folder / "data")


def _version(data: Path) -> None:
    """Let DVC keep a folder, as it keeps the data sets of params.yaml; without a DVC project there is nothing to do.

    Args:
        data: The folder.

    Raises:
        InputError: If DVC refuses.
    """
    if not Path(".dvc").is_dir():
        return
    command = [sys.executable, "-m", "dvc", "add", "--quiet", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())[:300]
        raise InputError(
            f"`dvc add {data}` failed ({reason}); expected DVC to keep the data set; mend that, run again."
        )


def _measure(
    task: AnyTask,
    zoo: Zoo,
    looks: Mapping[str, Appearance],
    own: list[Path],
    ranks: MeasureName,
    folder: Path,
    params: Params,
) -> Distances:
    """Observe every source, and the target's own probes, on the target, and compute the measures."""
    sources = {**zoo.probes, task.name: own}
    observe_pairs(sources, zoo.initial, [task], params.probe, params.fisher, folder / "fishers")
    repeats, saved = params.train.repeats, folder / "fishers"
    looks = {**looks, task.name: saved_appearance(saved, task.name, repeats)}
    names, measures = [*sources, NO_TRANSFER], params.distance.measures
    distances = compute_distances(saved, names, [task.name], repeats, measures, {task.name: ranks}, looks)
    write_json(folder / "distances.json", distances.model_dump(mode="json"))
    return distances


def _search(
    task: AnyTask, advice: Advice, zoo: Zoo, own: Path, record: ProbeRecord, folder: Path, params: Params
) -> tuple[Comparison, str, dict[str, float]]:
    """Fine-tune and search beside the controls; train what was chosen on validation images and test it once."""
    transfers = compare_transfers(task, advice, zoo, params)
    state, trunk = _trunk(task, advice, zoo, own, record, params)
    space = make_space_for(form_of(task), params.search, params.probe, state)
    arms = {arm: options(each) for arm, each in {"full": space, **narrowed_spaces(space, advice, zoo, params)}.items()}
    problem = make_problem(task, params.search, params.probe)
    todo = Searches(problem, state, params.search, params.probe, arms, params.seed)
    trials = search_together(todo, UNFINISHED)
    inherited = advice.inherited.architecture if advice.inherited else None
    metrics = write_search(folder / "search", task, space, state, arms, trials, params.search, params.probe, inherited)
    comparison = Comparison(target=task.name, transfers=transfers, trials=trials)
    write_json(folder / "comparison.json", comparison.model_dump(mode="json"))
    shutil.rmtree(UNFINISHED / todo.digest())
    return comparison, trunk, metrics


def _trunk(
    task: AnyTask, advice: Advice, zoo: Zoo, own: Path, record: ProbeRecord, params: Params
) -> tuple[State, str]:
    """Choose on validation images between the target's own probe and one fine-tuned from the recommended source."""
    if advice.recommendation.recommended:
        source = advice.recommendation.recommended[0]
        start = load_backbone(zoo.probes[source][0])
        probe, form = train_from(task, params.probe, recipe_of(params.train), start, seed=0), form_of(task)
        if form.score(probe, *form.tensors(task.val, params.probe)) >= record.score:
            state = {name: tensor.cpu() for name, tensor in probe.backbone.state_dict().items()}
            return state, f"fine-tuned from {source}"
    return load_backbone(own), "trained from the initial state"


def _start(trunk: str, network: NetworkSpec, backbone: str) -> str:
    """Say what a network was trained from: what the backbone was, where it stands on it or is it."""
    known = network.space.kind in {"cells", "decoders", "pyramid"} or network.architecture.get(MODEL) == backbone
    return trunk if known else "trained from random weights"
