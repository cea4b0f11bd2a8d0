"""Observing every source on every target, on all cores; it can be killed and run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskzoo.files import digest_file, digest_json
from taskzoo.fisher.observation import save_observation, saved_key
from taskzoo.fisher.observe import observe
from taskzoo.fisher.samples import without_meaning
from taskzoo.fisher.summary import SCHEMA_VERSION
from taskzoo.parallel import run_jobs
from taskzoo.params import FisherParams, ProbeParams
from taskzoo.probe.forms import AnyTask
from taskzoo.probe.network import State, digest_state, fingerprint
from taskzoo.probe.storage import load_backbone

NO_TRANSFER = "no-transfer"  # The initial state among the sources, so that transferring nothing is ranked too.
PERMUTED = "permuted-labels"  # The target's own network under labels that mean nothing: what chance looks like.


@dataclass(frozen=True)
class _Cell:
    """One source, repeat and target to observe; ``weights`` is None for the initial state."""

    source: str
    repeat: int
    target: AnyTask
    weights: Path | None
    digest: str

    def path(self, folder: Path) -> Path:
        return observation_path(folder, self.source, self.target.name, self.repeat)


def observation_path(folder: Path, source: str, target: str, repeat: int) -> Path:
    """Return where the observation of a source on a target is kept."""
    return folder / target / source / f"{repeat}.safetensors"


def observe_pairs(
    sources: Mapping[str, Sequence[Path]],
    initial: State,
    targets: Sequence[AnyTask],
    probe: ProbeParams,
    params: FisherParams,
    folder: Path,
) -> None:
    """Observe all sources, and the initial state, on all targets in all repeats.

    A cell whose file already has the same key is skipped; files of cells no longer asked for are removed.

    Args:
        sources: Probe files by task, one a repeat; the targets are among them.
        initial: The state all probes were trained from.
        targets: Tasks with train and val images.
        probe: Backbone and input form.
        params: Numbers of images and label rule.
        folder: Of the results: <target>/<source>/<repeat>.safetensors.
    """
    identity = fingerprint(probe, initial)
    cells = _cells(sources, initial, targets)
    _remove_others(folder, {cell.path(folder) for cell in cells})
    keyed = [(cell, _key(cell, identity, probe, params)) for cell in cells]
    waiting = [(cell, key) for cell, key in keyed if saved_key(cell.path(folder)) != key]
    jobs = [(cell.path(folder), key, cell, initial, probe, params, identity) for cell, key in waiting]
    run_jobs(_observe, jobs, "fisher")


def _observe(
    path: Path, key: str, cell: _Cell, initial: State, probe: ProbeParams, params: FisherParams, identity: str
) -> None:
    """Observe one cell and write it."""
    state = initial if cell.weights is None else load_backbone(cell.weights)
    observation = observe(cell.source, state, cell.target, cell.repeat, probe, params, identity)
    save_observation(path, observation, key)


def _cells(sources: Mapping[str, Sequence[Path]], initial: State, targets: Sequence[AnyTask]) -> list[_Cell]:
    """Return what is to be observed, target by target."""
    repeats = max((len(paths) for paths in sources.values()), default=0)
    digests = {path: digest_file(path) for paths in sources.values() for path in paths}
    start = digest_state(initial)
    trained = [
        (source, repeat, path, digests[path]) for source, paths in sources.items() for repeat, path in enumerate(paths)
    ]
    untrained = [(NO_TRANSFER, repeat, None, start) for repeat in range(repeats)]
    cells = [
        _Cell(source, repeat, target, path, digest)
        for target in targets
        for source, repeat, path, digest in [*trained, *untrained]
    ]
    return cells + [
        _Cell(PERMUTED, repeat, without_meaning(target), path, digests[path])
        for target in targets
        for repeat, path in enumerate(sources[target.name])
    ]


def _key(cell: _Cell, identity: str, probe: ProbeParams, params: FisherParams) -> str:
    """Return the content hash of all that a cell's observation depends on."""
    return digest_json(
        {
            "schema": SCHEMA_VERSION,
            "source": [cell.source, cell.repeat, cell.digest],
            "target": [cell.target.name, cell.target.digest],
            "fingerprint": identity,
            "probe": probe.model_dump(),
            "fisher": params.model_dump(exclude={"batch_size"}),
        }
    )


def _remove_others(folder: Path, wanted: set[Path]) -> None:
    """Remove observations not asked for, what a killed run left half-written, and folders left empty."""
    for path in sorted(folder.glob("*/*/*"), reverse=True):
        if path not in wanted and path.suffix in {".safetensors", ".tmp"}:
            path.unlink()
    for path in [*folder.glob("*/*"), *folder.glob("*")]:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
