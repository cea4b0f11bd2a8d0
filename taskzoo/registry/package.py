"""The package: one folder per task with all that the registry needs, in JSON and safetensors only."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import FiniteFloat

from taskzoo.distance.appearance import Appearance
from taskzoo.distance.matrix import DistanceColumn
from taskzoo.errors import InputError
from taskzoo.files import digest_folder, new_folder, write_json
from taskzoo.fisher.summary import load_fisher
from taskzoo.probe.storage import load_record
from taskzoo.records import read_json
from taskzoo.registry.layout import FIGURES, NETWORK_FILES, check_files
from taskzoo.registry.records import MetricName, TaskCard
from taskzoo.search.network import NetworkSpec, load_network
from taskzoo.search.results import Elites, SearchRecord


@dataclass(frozen=True)
class PackageContents:
    """What goes into a package.

    Args:
        card: The task's identity.
        probes: The probe files, one for each repeat, in order.
        fishers: The files of F_aa, one for each repeat, in order.
        network: Folder holding the tuned network that ``search.network.save_network`` wrote.
        elites: The best architectures, for later searches.
        search: Every evaluated architecture, in its space.
        distances: The task's column.
        appearance: How its images look through the initial state.
        metrics: Numbers of the task: name -> value.
        figures: PNG files.
    """

    card: TaskCard
    probes: Sequence[Path]
    fishers: Sequence[Path]
    network: Path
    elites: Elites
    search: SearchRecord
    distances: DistanceColumn
    appearance: Appearance
    metrics: Mapping[str, float]
    figures: Sequence[Path] = ()


@dataclass(frozen=True)
class Package:
    """A package folder that was read and found whole.

    Args:
        folder: Where it is.
        digest: Over all its files but the figures.
        card: The task's identity.
        traces: The trace of each repeat's Fisher.
        elites: The best architectures.
        search: Every evaluated architecture, in its space.
        distances: The task's column.
        appearance: How its images look through the initial state.
        metrics: Numbers of the task.
        network: What the tuned network is.
    """

    folder: Path
    digest: str
    card: TaskCard
    traces: tuple[float, ...]
    elites: Elites
    search: SearchRecord
    distances: DistanceColumn
    appearance: Appearance
    metrics: dict[str, float]
    network: NetworkSpec

    @property
    def repeats(self) -> int:
        """The number of probes, and of Fishers."""
        return len(self.traces)

    def probe(self, repeat: int) -> Path:
        """Return the path of one repeat's probe."""
        return self.folder / f"probe-{repeat}.safetensors"

    def fisher(self, repeat: int) -> Path:
        """Return the path of one repeat's Fisher."""
        return self.folder / f"fisher-{repeat}.safetensors"


def write_package(folder: Path, contents: PackageContents) -> Package:
    """Write a package in one step and read it back.

    Args:
        folder: Where; replaced if it exists, untouched on error.
        contents: What.

    Returns:
        The package; a part that is missing, damaged or of another task is refused by InputError.
    """
    with new_folder(folder) as temporary:
        for kind, paths in (("probe", contents.probes), ("fisher", contents.fishers)):
            for repeat, path in enumerate(paths):
                _copy(path, temporary / f"{kind}-{repeat}.safetensors")
        for name in NETWORK_FILES:
            _copy(contents.network / name, temporary / name)
        for figure in contents.figures:
            _copy(figure, temporary / FIGURES / figure.name)
        write_json(temporary / "task.json", contents.card.model_dump(mode="json"))
        write_json(temporary / "elites.json", contents.elites.model_dump(mode="json"))
        write_json(temporary / "trials.json", contents.search.model_dump(mode="json"))
        write_json(temporary / "distances.json", contents.distances.model_dump(mode="json"))
        write_json(temporary / "appearance.json", contents.appearance.model_dump(mode="json"))
        write_json(temporary / "metrics.json", dict(contents.metrics))
        read_package(temporary)
    return read_package(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy one file.

    Args:
        source: The file.
        target: Its new path; the folder is made.

    Raises:
        InputError: If there is no such file.
    """
    if not source.is_file():
        raise InputError(f"{source} does not exist; expected a file of an earlier stage; run that stage again.")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)


def load_card(folder: Path) -> TaskCard:
    """Return the task card of a package folder."""
    return read_json(folder / "task.json", TaskCard, "package")


def digest_package(folder: Path) -> str:
    """Return one SHA-256 over names and contents of a package's files but the figures."""
    return digest_folder(folder, "*")


def read_package(folder: Path) -> Package:
    """Read a package folder and check that it is whole and agrees with itself.

    Args:
        folder: The package.

    Returns:
        Its contents; weights are checked, but not kept in memory. A file that is missing, foreign, damaged
        or of another task, probe or number of repeats is refused by InputError.
    """
    check_files(folder)
    card = load_card(folder)
    package = Package(
        folder=folder,
        digest=digest_package(folder),
        card=card,
        traces=_read_repeats(folder, card),
        elites=read_json(folder / "elites.json", Elites, "package"),
        search=read_json(folder / "trials.json", SearchRecord, "package"),
        distances=read_json(folder / "distances.json", DistanceColumn, "package"),
        appearance=read_json(folder / "appearance.json", Appearance, "package"),
        metrics=read_json(folder / "metrics.json", dict[MetricName, FiniteFloat], "package"),
        network=load_network(folder)[0],
    )
    _agree(folder / "architecture.json", "classes", package.network.classes, card.classes)
    _agree(folder / "distances.json", "target", package.distances.target, card.name)
    _agree(folder / "trials.json", "task", package.search.task, card.name)
    _agree(folder / "elites.json", "task", package.elites.task, card.name)
    return package


def _read_repeats(folder: Path, card: TaskCard) -> tuple[float, ...]:
    """Read every probe's record and every Fisher.

    Args:
        folder: The package.
        card: That they must belong to.

    Returns:
        The trace of each repeat's Fisher.
    """
    repeats = range(len(card.train.accuracies))
    for kind in ("probe", "fisher"):
        found = sorted(path.name for path in folder.glob(f"{kind}-*.safetensors"))
        wanted = sorted(f"{kind}-{repeat}.safetensors" for repeat in repeats)
        _agree(folder, f"{kind} files", found, wanted)
    traces = []
    for repeat in repeats:
        path = folder / f"probe-{repeat}.safetensors"
        record = load_record(path)
        _agree(path, "task digest", record.task_digest, card.task_digest)
        _agree(path, "fingerprint", record.fingerprint, card.fingerprint)
        path = folder / f"fisher-{repeat}.safetensors"
        values, provenance = load_fisher(path)
        _agree(path, "target digest", provenance.target_digest, card.task_digest)
        _agree(path, "fingerprint", provenance.fingerprint, card.fingerprint)
        traces.append(sum(float(tensor.double().sum()) for tensor in values.values()))
    return tuple(traces)


def _agree(path: Path, field: str, found: object, expected: object) -> None:
    """Compare what a package holds with what its card asks for.

    Args:
        path: The file or folder.
        field: What is compared.
        found: There.
        expected: By the card.

    Raises:
        InputError: If they differ.
    """
    if found != expected:
        raise InputError(
            f"{path} has {field} {found!r}; expected {expected!r}, as task.json says; run the package stage again."
        )
