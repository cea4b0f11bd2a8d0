"""Every bad input is told in one sentence with exit status 2; store and workspace stay as they were."""

import io
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from pipelines.adapt import adapt
from pipelines.register import register
from pipelines.train import train
from taskzoo.entry import run
from tests.project.conftest import Finished
from tests.project.projects import Project, contents, store, textures, workspace

pytestmark = pytest.mark.slow
Change = Callable[[Path], object]
Mount = Callable[[Path, int], None]
Parameters = dict[str, dict[str, object]]


def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def truncated(folder: Path) -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG", quality=95)
    (folder / "stripes-0" / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])


def deep(folder: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (32, 32), dtype=np.uint16)
    Image.fromarray(values).save(folder / "stripes-0" / "deep.png")


def animated(folder: Path) -> None:
    frames = [picture().rotate(angle) for angle in (90, 180)]
    picture().save(folder / "stripes-0" / "film.gif", save_all=True, append_images=frames)


def empty_class(folder: Path) -> None:
    shutil.rmtree(folder / "stripes-1")
    (folder / "stripes-1").mkdir()


def one_class(folder: Path) -> None:
    shutil.rmtree(folder / "stripes-1")
    shutil.rmtree(folder / "stripes-2")


def only_in_test(folder: Path) -> None:
    for split in ("train", "test"):
        (folder / split).mkdir()
    shutil.copytree(folder / "stripes-0", folder / "train" / "stripes-0")
    shutil.move(folder / "stripes-1", folder / "train" / "stripes-1")
    shutil.move(folder / "stripes-0", folder / "test" / "stripes-0")
    shutil.move(folder / "stripes-2", folder / "test" / "stripes-2")


IMAGES: dict[str, tuple[Change, str]] = {
    "missing": (shutil.rmtree, "path is .*, which does not exist"),
    "empty-class": (empty_class, "stripes-1 is empty"),
    "one-class": (one_class, "only the class 'stripes-0'"),
    "truncated-jpeg": (truncated, r"stripes-0/cut\.jpg is damaged"),
    "text-as-png": (
        lambda folder: (folder / "stripes-0" / "note.png").write_text("not an image"),
        r"stripes-0/note\.png is not an image",
    ),
    "16-bit": (deep, r"stripes-0/deep\.png has 16 bits a channel"),
    "cmyk": (
        lambda folder: picture().convert("CMYK").save(folder / "stripes-0" / "print.jpg"),
        r"stripes-0/print\.jpg is in colour mode CMYK",
    ),
    "animated": (animated, r"stripes-0/film\.gif is animated"),
    "1x1": (
        lambda folder: picture().crop((0, 0, 1, 1)).save(folder / "stripes-0" / "dot.png"),
        r"stripes-0/dot\.png has 1x1 pixels",
    ),
    "only-in-test": (only_in_test, "class 'stripes-2' .* is in test but not in train"),
}


class Attempt:
    """A command that must be refused, in a project that must stay as it is."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def refused(self, command: Callable[..., None], *arguments: object) -> str:
        """Run an entry in this process, whose libraries are imported already, and return its one sentence."""
        before = workspace(self.root), store(self.root)
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(command, *arguments)
        errors = self._capsys.readouterr().err
        assert ended.value.code == 2
        assert (workspace(self.root), store(self.root)) == before
        return sentence(errors)


def sentence(errors: str) -> str:
    """Return the one line that a refused command may write, beside the progress that it made."""
    *progress, told = errors.splitlines()
    assert all(re.search(r"%|\d+/\d+ ", line) for line in progress), errors
    assert told.startswith("taskzoo: ")
    assert told.endswith(".")
    return told


@pytest.fixture
def attempt(registered: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Attempt:
    monkeypatch.chdir(registered.root)
    return Attempt(registered.root, capsys)


@pytest.fixture
def folder(images: Path, tmp_path: Path) -> Path:
    """Return a copy of the good images, to be spoilt."""
    return Path(shutil.copytree(images, tmp_path / "images"))


@pytest.fixture
def params(registered: Project) -> Iterator[Parameters]:
    """Return the project's parameters, which the test may write; they are put back."""
    kept = (registered.root / "params.yaml").read_bytes()
    yield registered.params()
    (registered.root / "params.yaml").write_bytes(kept)


@pytest.mark.parametrize("fault", IMAGES)
def test_images(attempt: Attempt, folder: Path, fault: str) -> None:
    spoil, message = IMAGES[fault]
    spoil(folder)
    told = attempt.refused(adapt, str(folder), "bad")
    assert re.search(message, told), told


@pytest.mark.parametrize("labels", [[-1, 1] * 20, [0.5, 1.0] * 20, [0, 1] * 19])
def test_labels_of_an_archive(attempt: Attempt, tmp_path: Path, labels: list[float]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.array(labels))
    told = attempt.refused(adapt, str(tmp_path / "images.npz"), "bad")
    assert "images.npz" in told
    assert "labels" in told


@pytest.mark.parametrize("name", ["a/b", "..", "../up", "my task", "", "-x", "digits", "digits-is-0", "no-transfer"])
def test_names(attempt: Attempt, images: Path, name: str) -> None:
    told = attempt.refused(adapt, str(images), name)
    assert told.startswith("taskzoo: name: ")
    assert repr(name) in told


def test_group(attempt: Attempt, images: Path) -> None:
    assert "datasets.bad.group is '('" in attempt.refused(adapt, str(images), "bad", "(")


def test_refused_images_leave_an_earlier_target_alone(attempt: Attempt, tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        textures(tmp_path / split, 4, 2)  # the same images in every split
    target = attempt.root / "targets" / "earlier"
    shutil.copytree(attempt.root / "data" / "digits", target / "data")
    try:
        assert "digest_in_other_split" in attempt.refused(adapt, str(tmp_path), "earlier")
    finally:
        shutil.rmtree(target)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("train", "stepz", 3, "the key 'train.stepz' is unknown"),
        ("train", "steps", "many", "train.steps is 'many'"),
        ("tasks", "a/b", {"dataset": "digits"}, "the name 'a/b' is not usable"),
        ("probe", "backbone", "resnet_of_none", "'resnet_of_none' is not a timm network"),
        ("probe", "weights", "none.safetensors", "the weights file none.safetensors does not exist"),
    ],
)
def test_params(
    attempt: Attempt,
    images: Path,
    params: Parameters,
    section: str,
    key: str,
    value: object,
    message: str,
) -> None:
    params[section][key] = value
    (attempt.root / "params.yaml").write_text(yaml.safe_dump(params))
    assert message in attempt.refused(adapt, str(images), "bad")
    assert message in attempt.refused(train)


def test_weights_that_do_not_fit(attempt: Attempt, params: Parameters, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv1.weight": torch.zeros(3, 3)}, path)
    params["probe"]["weights"] = str(path)
    (attempt.root / "params.yaml").write_text(yaml.safe_dump(params))
    assert f"{path} does not fit 'test_efficientnet'" in attempt.refused(train)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "ftp://host/store", "sqlite:////proc/none/mlflow.db"])
def test_tracking_uri(attempt: Attempt, images: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    place = uri.removeprefix("sqlite:///").split("://")[0]
    assert place in attempt.refused(adapt, str(images), "bad")
    assert place in attempt.refused(register)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Mount]:
    """Return a function that mounts a disk of so many KiB on a folder."""
    mounted: list[Path] = []

    def mount(folder: Path, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"only root may mount a small disk ({done.stderr.strip()})")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", [40, 400, 1200, 4000])
def test_full_disk_under_a_new_target(attempt: Attempt, images: Path, small_disk: Mount, size: int) -> None:
    small_disk(attempt.root / "targets", size)
    told = attempt.refused(adapt, str(images), "bad")
    assert "targets/bad" in told
    assert "No space left on device" in told


def test_full_disk_under_probes(attempt: Attempt, small_disk: Mount) -> None:
    small_disk(attempt.root / "probes", 100)
    assert "No space left on device" in attempt.refused(train)


@pytest.mark.parametrize("size", [40, 600, 1300, 2000, 4000])
def test_full_disk_under_the_store(
    attempt: Attempt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_disk: Mount,
    size: int,
) -> None:
    small_disk(tmp_path / "disk", size)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/disk/mlflow.db")
    told = attempt.refused(register)
    assert f"{tmp_path}/disk" in told


def test_a_process_of_its_own_says_the_same(registered: Project, folder: Path) -> None:
    truncated(folder)
    before = workspace(registered.root), store(registered.root)
    done = registered.run("taskzoo", "adapt", str(folder), "bad")
    assert done.returncode == 2
    assert "stripes-0/cut.jpg is damaged" in sentence(done.stderr)
    assert (workspace(registered.root), store(registered.root)) == before


def test_two_runs_at_once_on_a_fresh_store(
    copied: Project, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied.root)
    process = copied.start("taskzoo", "register")
    while not (copied.root / "mlflow.db.lock").exists():
        assert process.poll() is None
        time.sleep(0.002)
    run(register)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    rebuilt, first = store(copied.root), store(finished.root)
    assert [row[:2] for row in rebuilt["versions"]] == [row[:2] for row in first["versions"]]
    later = [name for _, name, _ in first["runs"] if str(name).startswith(("report", "sources for", "transfer "))]
    assert len(rebuilt["runs"]) == len(first["runs"]) - len(later)  # What was logged after registration is not.
    assert contents(copied.root, "receipts") == contents(finished.root, "receipts")
