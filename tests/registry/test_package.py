"""A package is whole, agrees with itself and is the same bytes for the same content, or it is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskzoo.errors import InputError
from taskzoo.registry.package import Package, PackageContents, digest_package, read_package, write_package
from tests.registry.packages import make_package

FILES = (
    "task.json", "elites.json", "trials.json", "distances.json", "appearance.json", "metrics.json", "architecture.json",
    "tuned.safetensors", "probe-0.safetensors", "probe-1.safetensors", "fisher-0.safetensors",
    "fisher-1.safetensors",
)  # fmt: skip


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_written_package_is_read_back(pets: Package) -> None:
    assert {path.name for path in pets.folder.iterdir()} == {*FILES, "figures"}
    again = read_package(pets.folder)
    assert again == pets
    assert again.repeats == 2
    assert again.metrics == {"val_accuracy": 0.9, "test_accuracy": 0.88, "parameters": 1234.0}


def test_same_content_gives_same_bytes_anywhere(pets: Package, tmp_path: Path) -> None:
    elsewhere = make_package(tmp_path / "deep" / "other-folder", "pets")
    assert elsewhere.digest == pets.digest
    for path in pets.folder.rglob("*.*"):
        assert (elsewhere.folder / path.relative_to(pets.folder)).read_bytes() == path.read_bytes()


def test_digest_covers_every_file_but_figures(copied: Package) -> None:
    figure = copied.folder / "figures" / "distances.png"
    figure.write_bytes(figure.read_bytes() + b"drawn by another matplotlib")
    assert digest_package(copied.folder) == copied.digest
    for name in FILES:
        path = copied.folder / name
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        assert digest_package(copied.folder) != copied.digest, name
        path.write_bytes(before)
    assert digest_package(copied.folder) == copied.digest


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(copied: Package, name: str) -> None:
    (copied.folder / name).unlink()
    with pytest.raises(InputError, match=re.escape(name)):
        read_package(copied.folder)


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_named(copied: Package, name: str) -> None:
    path = copied.folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=re.escape(name)):
        read_package(copied.folder)


@pytest.mark.parametrize("name", ["task.json", "distances.json", "metrics.json", "trials.json", "elites.json"])
def test_unknown_key_is_refused(copied: Package, name: str) -> None:
    edit(copied.folder / name, lambda content: content.update(surprise="x"))
    with pytest.raises(InputError, match=re.escape(name)):
        read_package(copied.folder)


def test_numbers_must_be_finite(copied: Package) -> None:
    (copied.folder / "metrics.json").write_text('{"val_accuracy": NaN}')
    with pytest.raises(InputError, match=r"metrics.json is damaged"):
        read_package(copied.folder)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("distances.json", "target"),
        ("trials.json", "task"),
        ("elites.json", "task"),
        ("architecture.json", "classes"),
    ],
)
def test_parts_of_another_task_are_refused(copied: Package, name: str, field: str) -> None:
    other: object = ["a", "b", "c"] if field == "classes" else "birds"
    edit(copied.folder / name, lambda content: content.update({field: other}))
    with pytest.raises(InputError, match=f"{name} has {field}"):
        read_package(copied.folder)


@pytest.mark.parametrize("kind", ["probe", "fisher"])
def test_weights_of_another_task_are_refused(copied: Package, birds: Package, kind: str) -> None:
    name = f"{kind}-1.safetensors"
    (copied.folder / name).write_bytes((birds.folder / name).read_bytes())
    with pytest.raises(InputError, match=rf"{name} has t[a-z]+ digest"):
        read_package(copied.folder)


def test_one_probe_for_each_repeat(copied: Package) -> None:
    (copied.folder / "probe-2.safetensors").write_bytes((copied.probe(1)).read_bytes())
    with pytest.raises(InputError, match="probe files"):
        read_package(copied.folder)


def test_failed_write_leaves_the_old_package(copied: Package, tmp_path: Path) -> None:
    contents = PackageContents(
        card=copied.card,
        probes=[copied.probe(0), tmp_path / "missing.safetensors"],
        fishers=[copied.fisher(0), copied.fisher(1)],
        network=copied.folder,
        elites=copied.elites,
        search=copied.search,
        distances=copied.distances,
        appearance=copied.appearance,
        metrics={"val_accuracy": 0.1},
    )
    with pytest.raises(InputError, match=r"missing.safetensors does not exist"):
        write_package(copied.folder, contents)
    assert read_package(copied.folder).digest == copied.digest
    assert [path.name for path in copied.folder.parent.iterdir()] == ["pets"]


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_package(tmp_path / "nothing")
