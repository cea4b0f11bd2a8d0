"""Searches and comparisons of the zoo's tasks on disk, each with the key of all that it depends on.

A stage that was killed goes on, and a stage that runs again does only what is new.
"""

from pathlib import Path
from shutil import rmtree

from pydantic import BaseModel, ConfigDict, ValidationError

from taskzoo.files import digest_file, digest_json, write_json
from taskzoo.parallel import advance
from taskzoo.params import Params
from taskzoo.probe.forms import form_of
from taskzoo.probe.network import digest_state, initial_state
from taskzoo.probe.storage import load_backbone
from taskzoo.recommend.advice import load_advice
from taskzoo.recommend.comparison import Comparison
from taskzoo.recommend.transfer import arms
from taskzoo.records import read_json
from taskzoo.search.journal import Journal
from taskzoo.search.results import Elites, SearchRecord
from taskzoo.search.spaces import make_space_for
from taskzoo.search.tuning import ELITES, TRIALS, make_problem, write_search
from taskzoo.workflow.comparing import Zoo, compare, search_arms
from taskzoo.workflow.workspace import COMPARISONS, RECOMMENDATIONS, SEARCHES, UNFINISHED, load_named_task, probe_paths

KEY = "key.json"


class StoredComparison(BaseModel):
    """A comparison and its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    comparison: Comparison


class SearchKey(BaseModel):
    """The key of a folder of the search stage; written last, so that it says the folder is whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str


def search_stored(name: str, params: Params) -> None:
    """Search the full space for one task and train what was found, unless its folder has the same key.

    Args:
        name: The task; the trunk is its own probe of repeat 0.
        params: Of the zoo.
    """
    task = load_named_task(name, params)
    trunk = probe_paths(name, params)[0]
    key = _key(params, ("probe", "search"), task=task.digest, trunk=digest_file(trunk))
    folder = SEARCHES / name
    if _saved_key(folder / KEY, SearchKey) == key:
        return
    (folder / KEY).unlink(missing_ok=True)
    state = load_backbone(trunk)
    problem, journal = make_problem(task, params.search, params.probe), Journal(advance, UNFINISHED / key)
    space = make_space_for(problem.form, params.search, params.probe, state)
    trials, options = search_arms({"full": space}, space, problem, params, journal)
    write_search(folder, task, space, state, options, trials, params.search, params.probe)
    write_json(folder / KEY, SearchKey(key=key).model_dump())
    rmtree(UNFINISHED / key)


def compare_stored(name: str, params: Params) -> None:
    """Judge one task's advice, unless its file has the same key.

    Args:
        name: The task.
        params: Of the zoo.
    """
    task = load_named_task(name, params)
    advice = load_advice(RECOMMENDATIONS / f"{name}.json")
    full = read_json(SEARCHES / name / TRIALS, SearchRecord, "search").trials
    zoo = load_stored_zoo(params)
    chosen = arms(advice.recommendation, params.seed)
    used = sorted({name, *chosen.values()} & set(zoo.probes))
    key = _key(
        params,
        ("probe", "train", "search", "recommend", "compare"),
        task=task.digest,
        arms=chosen,
        keep=advice.narrowing.keep,
        random=[dict(each) for each in zoo.elites[chosen["random"]]],
        full=[trial.model_dump(mode="json") for trial in full],
        probes={source: [digest_file(file) for file in zoo.probes[source]] for source in used},
        initial=digest_state(zoo.initial),
    )
    path = COMPARISONS / f"{name}.json"
    if _saved_key(path, StoredComparison) == key:
        return
    space = make_space_for(form_of(task), params.search, params.probe, load_backbone(zoo.probes[name][0]))
    journal = Journal(advance, UNFINISHED / key)
    found = StoredComparison(key=key, comparison=compare(task, advice, zoo, space, full, params, journal))
    write_json(path, found.model_dump(mode="json"))
    rmtree(UNFINISHED / key, ignore_errors=True)


def load_stored_zoo(params: Params) -> Zoo:
    """Return what the tasks of params.yaml left behind in the workspace."""
    return Zoo(
        probes={name: probe_paths(name, params) for name in params.tasks},
        elites={
            name: [elite.architecture for elite in read_json(SEARCHES / name / ELITES, Elites, "search").elites]
            for name in params.tasks
        },
        initial=initial_state(params.probe),
    )


def _key(params: Params, sections: tuple[str, ...], **parts: object) -> str:
    """Return one digest over parameter sections, the seed and other parts."""
    settings = {section: getattr(params, section).model_dump(mode="json") for section in sections}
    return digest_json({"seed": params.seed, "params": settings, **parts})


def _saved_key(path: Path, kind: type[StoredComparison] | type[SearchKey]) -> str | None:
    """Return the key of a readable file; None lets it be made again."""
    try:
        return kind.model_validate_json(path.read_bytes()).key
    except (OSError, ValidationError):
        return None
