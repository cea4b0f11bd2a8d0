"""Comparisons on disk, each with the key of all that it depends on, so that a killed stage goes on."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from taskzoo.data.tasks import load_task
from taskzoo.files import digest_file, digest_json, write_json
from taskzoo.params import Params
from taskzoo.probe.network import digest_state
from taskzoo.probe.storage import load_backbone
from taskzoo.recommend.advice import Advice
from taskzoo.recommend.comparison import Comparison
from taskzoo.recommend.transfer import arms
from taskzoo.search.results import Trial
from taskzoo.search.run import make_space
from taskzoo.workflow.comparing import Zoo, compare


class StoredComparison(BaseModel):
    """A comparison and its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    comparison: Comparison


def compare_stored(path: Path, name: str, advice: Advice, zoo: Zoo, full: Sequence[Trial], params: Params) -> None:
    """Compare one target of the zoo, unless the file at ``path`` has the same key.

    Args:
        path: The file.
        name: The target.
        advice: Its sources and narrowed space.
        zoo: What the sources left behind.
        full: Trials of its full search.
        params: Of the zoo.
    """
    spec = params.tasks[name]
    task = load_task(name, spec, Path("data") / spec.dataset, params.sizes, params.probe.image_size, params.seed)
    chosen = arms(advice.recommendation, params.seed)
    used = {source for source in (name, *chosen.values()) if source in zoo.probes}
    key = digest_json(
        {
            "task": task.digest,
            "arms": chosen,
            "keep": advice.narrowing.keep,
            "random": [dict(each) for each in zoo.elites[chosen["random"]]],
            "full": [trial.model_dump(mode="json") for trial in full],
            "probes": {source: [digest_file(file) for file in zoo.probes[source]] for source in sorted(used)},
            "initial": digest_state(zoo.initial),
            "params": {
                part: getattr(params, part).model_dump(mode="json")
                for part in ("probe", "train", "search", "recommend", "compare")
            },
        }
    )
    if _saved_key(path) == key:
        return
    space = make_space(params.search, params.probe, load_backbone(zoo.probes[name][0]))
    found = StoredComparison(key=key, comparison=compare(task, advice, zoo, space, full, params))
    write_json(path, found.model_dump(mode="json"))


def _saved_key(path: Path) -> str | None:
    """Return the key of a readable file; None makes it be measured again."""
    try:
        return StoredComparison.model_validate_json(path.read_bytes()).key
    except (OSError, ValidationError):
        return None
