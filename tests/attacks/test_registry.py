"""Packages and stores from strangers: nothing is unpickled, leaves its folder or is cut short."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow.pyfunc
import pytest
from mlflow.exceptions import MlflowException

from taskzoo.errors import InputError
from taskzoo.registry.package import Package, read_package
from taskzoo.registry.query import ZooEntry
from taskzoo.registry.runs import TAG_LIMIT, checked_tags
from taskzoo.registry.store import Registry
from tests.registry.packages import make_package


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Tell pickle what to call."""
        return Path.touch, (self.sentinel,)


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    return tmp_path / "the-pickle-was-opened"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("packages") / "pets", "pets")


@pytest.fixture
def package(whole: Package, tmp_path: Path) -> Package:
    shutil.copytree(whole.folder, tmp_path / "packages" / "pets")
    return read_package(tmp_path / "packages" / "pets")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    root = tmp_path_factory.mktemp("zoo")
    return Registry(f"sqlite:///{root}/mlflow.db", root)


@pytest.fixture
def entry(registry: Registry, whole: Package) -> ZooEntry:
    registry.register(whole.folder)
    (found,) = registry.query()
    return found


@pytest.fixture
def model(entry: ZooEntry, tmp_path: Path) -> Path:
    """Return a copy of the registered model's folder."""
    shutil.copytree(unquote(urlsplit(entry.location).path), tmp_path / "model")
    return tmp_path / "model"


def bomb(path: Path, sentinel: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb(sentinel)))


def test_the_bomb_is_live(sentinel: Path, tmp_path: Path) -> None:
    bomb(tmp_path / "x.pkl", sentinel)
    # The only place that opens one: without it the tests below could not fail.
    pickle.loads((tmp_path / "x.pkl").read_bytes())  # noqa: S301
    assert sentinel.exists()


@pytest.mark.parametrize(
    "name",
    [
        "model.pkl", "python_model.pkl", "probe-0.pt", ".hidden", "figures/x.pkl", "figures/x.png",
        "task.json", "elites.json", "trials.json", "distances.json", "metrics.json", "architecture.json",
        "tuned.safetensors", "probe-0.safetensors", "fisher-1.safetensors",
    ],
)  # fmt: skip
def test_pickle_in_a_package_is_never_opened(registry: Registry, package: Package, sentinel: Path, name: str) -> None:
    bomb(package.folder / name, sentinel)
    with pytest.raises(InputError, match=Path(name).name):
        registry.register(package.folder)
    assert not sentinel.exists()


def test_pickle_in_the_store_is_never_opened(
    registry: Registry, entry: ZooEntry, model: Path, sentinel: Path, tmp_path: Path
) -> None:
    bomb(model / "artifacts" / "package" / "extra.pkl", sentinel)
    with pytest.raises(InputError, match=r"extra.pkl is no part of a package"):
        registry.fetch(replace(entry, location=model.as_uri()), tmp_path / "fetched")
    assert not sentinel.exists()


def test_pickle_beside_or_instead_of_the_network_is_never_opened(model: Path, sentinel: Path) -> None:
    bomb(model / "python_model.pkl", sentinel)
    mlflow.pyfunc.load_model(str(model))
    bomb(model / "artifacts" / "package" / "tuned.safetensors", sentinel)
    with pytest.raises(InputError, match=r"tuned.safetensors does not hold"):
        mlflow.pyfunc.load_model(str(model))
    assert not sentinel.exists()


def test_model_that_was_made_a_pickle_is_refused(model: Path, sentinel: Path) -> None:
    bomb(model / "python_model.pkl", sentinel)
    described = (model / "MLmodel").read_text()
    described = described.replace("mlflow.pyfunc.loaders.code_model", "mlflow.pyfunc.model")
    lines = [line for line in described.splitlines() if "model_code_path" not in line]
    lines.insert(lines.index("  python_function:") + 1, "    python_model: python_model.pkl")
    (model / "MLmodel").write_text("\n".join(lines) + "\n")
    with pytest.raises(MlflowException, match="pickle is disallowed"):
        mlflow.pyfunc.load_model(str(model))
    assert not sentinel.exists()


def test_link_out_of_the_package_is_refused(package: Package, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (package.folder / "metrics.json").unlink()
    (package.folder / "metrics.json").symlink_to(secret)
    with pytest.raises(InputError, match=r"metrics.json is no part of a package"):
        read_package(package.folder)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a/b", "pets' OR name LIKE '%", ""])
@pytest.mark.parametrize("old", ['"name": "pets"', '"target": "pets"'])
def test_names_cannot_leave_their_folder(package: Package, name: str, old: str) -> None:
    path = package.folder / ("task.json" if "name" in old else "distances.json")
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, old.replace("pets", name)))
    with pytest.raises(InputError, match="is not usable"):
        read_package(package.folder)


@pytest.mark.parametrize("digest", ["../../elsewhere", "", "a" * 63, "A" * 64])
def test_digest_cannot_name_a_path(registry: Registry, entry: ZooEntry, tmp_path: Path, digest: str) -> None:
    with pytest.raises(InputError, match="expected 64 hexadecimal digits"):
        registry.fetch(replace(entry, tags={**entry.tags, "package_digest": digest}), tmp_path / "a" / "b")
    assert not (tmp_path / "elsewhere").exists()


def test_long_tag_is_refused_not_cut() -> None:
    assert checked_tags({"task": "x" * TAG_LIMIT})
    with pytest.raises(InputError, match="the tag 'task' has 9000 characters"):
        checked_tags({"task": "x" * 9000})


def test_long_param_is_refused_not_cut(registry: Registry, package: Package) -> None:
    path = package.folder / "trials.json"
    path.write_text(path.read_text().replace('"strategy": "fuse"', f'"strategy": "{"x" * 7000}"'))
    with pytest.raises(InputError, match=r"exceeds the maximum length|had length"):
        registry.register(package.folder)
