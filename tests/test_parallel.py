"""Jobs run in processes of one thread, and their first error is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from taskzoo.errors import InputError
from taskzoo.parallel import ONE_THREAD, PRELOADED, run_jobs


def note_threads(folder: Path, name: str) -> None:
    (folder / name).write_text(f"{os.getpid()} {torch.get_num_threads()}")


def refuse(folder: Path, name: str) -> None:
    if name == "bad":
        raise InputError(f"{name} is bad; expected good; mend it.")
    (folder / name).touch()


def test_every_job_is_done_elsewhere_with_one_thread(tmp_path: Path) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    run_jobs(note_threads, [(tmp_path, str(number)) for number in range(3)], "test")
    notes = [path.read_text().split() for path in sorted(tmp_path.iterdir())]
    assert [threads for _, threads in notes] == ["1"] * 3
    assert str(os.getpid()) not in {process for process, _ in notes}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_what_is_imported_before_the_fork_starts_nothing_that_a_fork_would_lose() -> None:
    code = f"import os, torch, {', '.join(PRELOADED)}; print(len(os.listdir('/proc/self/task')), len(called))"
    code = f"import torch; called = []; torch._C._cuda_getDeviceCount = lambda: called.append(1); {code}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "0"]


def test_a_refusal_reaches_the_caller_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bad is bad; expected good; mend it"):
        run_jobs(refuse, [(tmp_path, "bad"), (tmp_path, "good")], "test")
