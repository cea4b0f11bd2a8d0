"""Writes are whole or absent."""

import errno
from pathlib import Path

import pytest

from taskzoo.errors import InputError
from taskzoo.files import digest_folder, digest_json, new_folder, write_json, write_text, write_with


def test_json_is_canonical_and_refuses_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "deep" / "a.json", {"b": 1, "a": [1.5]})
    assert (tmp_path / "deep" / "a.json").read_text() == '{\n "a": [\n  1.5\n ],\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=r"cannot be written: No space left on device.*free some"):
        write_with(tmp_path / "a", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_really_full_device_is_told_in_one_sentence() -> None:
    with pytest.raises(InputError, match="No space left"):
        write_with(Path("/dev/shm/taskzoo-full-test"), _fill)
    assert not list(Path("/dev/shm").glob("*taskzoo-full-test*"))


def _fail_inside(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "two").write_text(str(1 / 0))


def _fill(path: Path) -> None:
    path.touch()
    with Path("/dev/full").open("wb", buffering=0) as handle:
        handle.write(b"x")


def test_new_folder_replaces_whole_or_not_at_all(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as folder:
        (folder / "one").write_text("1")
    with pytest.raises(ZeroDivisionError):
        _fail_inside(tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "one"]
    with new_folder(tmp_path / "out") as folder:
        (folder / "three").write_text("3")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "three"]


def test_digests_see_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    first = digest_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = digest_folder(tmp_path)
    (tmp_path / "b").write_text("y")
    assert len({first, second, digest_folder(tmp_path)}) == 3
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
