"""The zoo in MLflow: one registered model per task, one version per distinct package."""

from collections.abc import Collection, Sequence
from pathlib import Path

from taskzoo.recommend.advice import Advice
from taskzoo.recommend.comparison import Transfer
from taskzoo.recommend.experience import PastTransfer
from taskzoo.registry.connection import connect
from taskzoo.registry.guards import told
from taskzoo.registry.index import Index, load_index
from taskzoo.registry.package import read_package
from taskzoo.registry.query import ZooEntry, fetch_package, find_entries
from taskzoo.registry.recommendations import log_recommendation
from taskzoo.registry.records import Record
from taskzoo.registry.runs import log_run
from taskzoo.registry.stages import package_run, report_run, stage_runs
from taskzoo.registry.transfers import past_transfers
from taskzoo.registry.versions import create_version, find_version, set_champion


class Receipt(Record):
    """Proof that a package is registered; equal whenever the package is.

    Attributes:
        model: Name of the registered model.
        package_digest: Of the package, as on the version's tag.
        fingerprint: Of the probe.
    """

    model: str
    package_digest: str
    fingerprint: str


class Registry:
    """An MLflow store of packages.

    Args:
        tracking_uri: ``sqlite:///file`` or ``http(s)://server``; left out: what MLFLOW_TRACKING_URI says,
            else ``mlflow.db`` in ``root``.
        root: The project's folder.

    Raises:
        InputError: If the store is of another kind, out of reach, no MLflow store, or of another version.
    """

    def __init__(self, tracking_uri: str | None, root: Path) -> None:
        self._connection = connect(tracking_uri, root)

    @property
    def uri(self) -> str:
        """Where the store is, as MLflow takes it."""
        return self._connection.uri

    def register(self, package: Path) -> Receipt:
        """Register a package; what the store has already is found, not made again.

        A registration that was killed is completed by the next one of the same package.

        Args:
            package: The package's folder.

        Returns:
            The receipt.
        """
        whole = read_package(package)
        with self._connection.writing():
            version = find_version(self._connection, whole)
            if version is None:
                for run in stage_runs(whole):
                    log_run(self._connection, run)
                run_id = log_run(self._connection, package_run(whole))
                version = create_version(self._connection, whole, run_id)
            set_champion(self._connection, version, whole)
        return Receipt(model=whole.card.name, package_digest=whole.digest, fingerprint=whole.card.fingerprint)

    def log_report(self, folder: Path) -> None:
        """Attach a report's files to a run of its own, unless the same are there."""
        with self._connection.writing():
            log_run(self._connection, report_run(folder))

    def log_recommendation(self, fingerprint: str, advice: Advice, transfers: Sequence[Transfer], dataset: str) -> None:
        """Record the recommendation for one target of a data set, and the transfers that the next one learns from."""
        with self._connection.writing():
            log_recommendation(self._connection, fingerprint, advice, transfers, dataset)

    def past_transfers(self, fingerprint: str, scale: str, folder: Path) -> list[PastTransfer]:
        """Return the transfers on record between tasks of one probe, by scores of one scale; a copy is kept."""
        with told(self.uri):
            return past_transfers(self._connection, fingerprint, scale, folder)

    def query(self, fingerprint: str | None = None, names: Collection[str] | None = None) -> list[ZooEntry]:
        """Return the registered tasks in name order, if asked only those comparable with a fingerprint, or named."""
        with told(self.uri):
            return find_entries(self._connection, fingerprint, names)

    def index(self, fingerprint: str, folder: Path) -> Index:
        """Return what a coarse ranking needs of all tasks of a probe; a copy is kept in ``folder``."""
        with told(self.uri):
            return load_index(self._connection, fingerprint, folder)

    def fetch(self, entry: ZooEntry, to: Path) -> Path:
        """Return a task's package, below ``to``: downloaded if it is not there, checked against its tag."""
        return fetch_package(self._connection, entry, to)
