"""The local index: what the store has, asked for what changed only, and whole again when it is damaged."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from taskzoo.distance.appearance import read_sketches, sketch
from taskzoo.registry.package import Package
from taskzoo.registry.store import Registry
from tests.registry.packages import make_package


def test_it_holds_the_newest_version_of_each_task_of_the_probe(
    registry: Registry, pets: Package, birds: Package, tmp_path: Path
) -> None:
    fingerprint, folder = pets.card.fingerprint, tmp_path / "index"
    assert registry.index(fingerprint, folder).names.tolist() == []
    registry.register(pets.folder)
    assert registry.index(fingerprint, folder).names.tolist() == ["pets"]
    registry.register(birds.folder)
    newer = make_package(tmp_path / "newer", "pets", seed=5)
    registry.register(newer.folder)
    found = registry.index(fingerprint, folder)
    assert found.names.tolist() == ["birds", "pets"]
    expected = read_sketches([sketch(birds.appearance), sketch(newer.appearance)])
    for part in ("features", "pixels", "classes"):
        np.testing.assert_array_equal(getattr(found.sketches, part), getattr(expected, part))
    assert registry.index("0123456789abcdef", folder).names.tolist() == []


def test_only_what_changed_is_asked_for(
    registry: Registry, pets: Package, birds: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register(pets.folder)
    registry.index(pets.card.fingerprint, tmp_path)
    monkeypatch.setattr("taskzoo.registry.copies.OVERLAP_MS", 0)
    monkeypatch.setattr("taskzoo.registry.index.FIRST_PAGE", 1)
    monkeypatch.setattr("taskzoo.registry.index.PAGE", 1)
    asked = []
    search = MlflowClient.search_model_versions

    def counted(client: MlflowClient, *args: object, **options: object) -> object:
        asked.append(options)
        return search(client, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(MlflowClient, "search_model_versions", counted)
    assert registry.index(pets.card.fingerprint, tmp_path).names.tolist() == ["pets"]
    assert len(asked) == 1
    registry.register(birds.folder)
    asked.clear()
    assert registry.index(pets.card.fingerprint, tmp_path).names.tolist() == ["birds", "pets"]
    assert len(asked) == 2


def test_a_damaged_copy_is_made_anew(zoo: Registry, pets: Package, tmp_path: Path) -> None:
    zoo.index(pets.card.fingerprint, tmp_path)
    (copy,) = tmp_path.iterdir()
    copy.write_bytes(b"no parquet")
    assert zoo.index(pets.card.fingerprint, tmp_path).names.tolist() == ["pets"]
    assert copy.read_bytes() != b"no parquet"


def test_a_store_made_anew_at_the_same_address_is_not_answered_for_by_the_old_copy(
    registry: Registry, pets: Package, birds: Package, tmp_path: Path
) -> None:
    registry.register(pets.folder)
    assert registry.index(pets.card.fingerprint, tmp_path / "index").names.tolist() == ["pets"]
    (tmp_path / "mlflow.db").unlink()
    code = (
        "import sys; from pathlib import Path; from taskzoo.registry.store import Registry; "
        "root, package = map(Path, sys.argv[1:3]); registry = Registry(None, root); registry.register(package); "
        "print(registry.uri, *registry.index(sys.argv[3], root / 'index').names)"
    )
    words = [str(tmp_path), str(birds.folder), pets.card.fingerprint]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [registry.uri, "birds"]
