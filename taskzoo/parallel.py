"""Independent jobs on all cores: one process each, one thread a process, so that results do not depend on the cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run_jobs(function: Callable[..., None], jobs: Sequence[tuple[object, ...]], title: str) -> None:
    """Call a function once a job, spread over the cores, with progress and an ETA on standard error.

    The first exception of a job is raised here, after the jobs that run have ended; those not begun are dropped.

    Args:
        function: Of a module's top level; its result is left on disk.
        jobs: Arguments of each call.
        title: Of the progress bar.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _one_thread(), Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(title, total=len(jobs))
        workers = max(1, min(len(jobs), len(os.sched_getaffinity(0))))
        with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent) as pool:
            futures = [pool.submit(function, *job) for job in jobs]
            try:
                for future in as_completed(futures):
                    future.result()
                    progress.advance(bar)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _end_with_parent() -> None:
    """End this process when its parent is killed: a worker left alone would wait for jobs for ever."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    """Wait for a process to end, then end this one at once, whatever it is doing."""
    wait([sentinel])
    os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes started inside the block use one thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
