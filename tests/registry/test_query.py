"""Finding tasks, and getting back exactly what was registered."""

import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mlflow import MlflowClient

from taskzoo.errors import InputError
from taskzoo.registry.package import Package, digest_package, read_package
from taskzoo.registry.query import ZooEntry
from taskzoo.registry.records import SCHEMA
from taskzoo.registry.store import Registry


@pytest.fixture
def entry(registry: Registry, pets: Package) -> ZooEntry:
    registry.register(pets.folder)
    (found,) = registry.query()
    return found


def stored(entry: ZooEntry) -> Path:
    return Path(unquote(urlsplit(entry.location).path)) / "artifacts" / "package"


def test_entry_holds_every_repeat(zoo: Registry, pets: Package) -> None:
    (entry,) = zoo.query()
    assert (entry.name, entry.version) == ("pets", 1)
    assert entry.tags["fingerprint"] == pets.card.fingerprint
    assert entry.metrics["val_accuracy"] == 0.9
    assert entry.distances == {
        measure: {source: list(values) for source, values in sources.items()}
        for measure, sources in pets.distances.values.items()
    }


def test_only_comparable_tasks_are_returned(entry: ZooEntry, registry: Registry, pets: Package, birds: Package) -> None:
    registry.register(birds.folder)
    assert [found.name for found in registry.query(pets.card.fingerprint)] == ["birds", "pets"]
    assert registry.query("0123456789abcdef") == []


def test_models_of_others_are_not_entries(entry: ZooEntry, registry: Registry) -> None:
    client = MlflowClient(registry.uri)
    client.create_registered_model("someone-elses")
    version = client.create_model_version("someone-elses", "file:///tmp/x", tags={"schema": str(SCHEMA)})
    client.set_registered_model_alias("someone-elses", "champion", version.version)
    assert [found.name for found in registry.query()] == ["pets"]


def test_named_tasks_are_found_alone(entry: ZooEntry, registry: Registry, birds: Package) -> None:
    registry.register(birds.folder)
    both = registry.query(birds.card.fingerprint)
    assert registry.query(birds.card.fingerprint, ["birds", "gone"]) == [both[0]]
    assert registry.query(birds.card.fingerprint, ["pets", "birds"]) == both
    assert registry.query(None, ["pets"]) == [entry]
    assert registry.query(birds.card.fingerprint, []) == []


@pytest.mark.parametrize("fingerprint", ["' OR 1=1 --", "", "XYZ"])
def test_fingerprint_must_be_one(zoo: Registry, fingerprint: str) -> None:
    with pytest.raises(InputError, match="expected hexadecimal digits"):
        zoo.query(fingerprint)


def test_fetched_package_is_the_registered_one(zoo: Registry, pets: Package, tmp_path: Path) -> None:
    (entry,) = zoo.query()
    folder = zoo.fetch(entry, tmp_path / "fetched")
    assert folder == tmp_path / "fetched" / pets.digest
    assert replace(read_package(folder), folder=pets.folder) == pets
    assert (folder / "figures" / "distances.png").is_file()


def test_fetched_package_is_not_fetched_again(entry: ZooEntry, registry: Registry, tmp_path: Path) -> None:
    folder = registry.fetch(entry, tmp_path / "fetched")
    shutil.rmtree(tmp_path / "mlartifacts")
    assert registry.fetch(entry, tmp_path / "fetched") == folder


def test_damaged_copy_is_fetched_again(zoo: Registry, pets: Package, tmp_path: Path) -> None:
    (entry,) = zoo.query()
    folder = zoo.fetch(entry, tmp_path / "fetched")
    (folder / "metrics.json").write_text("{}")
    zoo.fetch(entry, tmp_path / "fetched")
    assert digest_package(folder) == pets.digest


def test_changed_artifact_is_refused(entry: ZooEntry, registry: Registry, tmp_path: Path) -> None:
    (stored(entry) / "metrics.json").write_text('{"test_accuracy": 1.0}\n')
    with pytest.raises(InputError, match=r"the package of pets .* as registered"):
        registry.fetch(entry, tmp_path / "fetched")
    assert not list((tmp_path / "fetched").glob("*"))


def test_lost_artifacts_are_told(entry: ZooEntry, registry: Registry, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "mlartifacts")
    with pytest.raises(InputError, match=r"the MLflow store .* failed"):
        registry.fetch(entry, tmp_path / "fetched")
