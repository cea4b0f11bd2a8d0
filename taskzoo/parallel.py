"""Independent jobs on all cores: one process each, one thread a process, so that results do not depend on the cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.queues import SimpleQueue
from threading import Event, Thread

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LOOK = 0.1  # Seconds between two looks at what jobs have told.
PRELOADED = ["timm"]  # Imported once, with torch; starts no threads and no GPU, which a fork would lose.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run_jobs(function: Callable[..., object], jobs: Sequence[tuple[object, ...]], title: str, steps: int = 1) -> None:
    """Call a function once a job, spread over the cores, with progress and an ETA on standard error.

    The first exception of a job is raised here, after the jobs that run have ended; those not begun are dropped.

    Args:
        function: Of a module's top level; its result is left on disk.
        jobs: Arguments of each call.
        title: Of the progress bar.
        steps: Of each job on the bar; a longer job tells them by ``advance``, what it leaves out is told at its end.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    told = context.SimpleQueue()
    with _one_thread(), Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(title, total=steps * len(jobs))
        workers = max(1, min(len(jobs), len(os.sched_getaffinity(0))))
        done = Event()
        show = Thread(target=_show, args=(told, done, partial(progress.advance, bar)), daemon=True)
        show.start()
        with ProcessPoolExecutor(workers, context, _begin, (told,)) as pool:
            futures = [pool.submit(_run, function, job, steps) for job in jobs]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                done.set()
                show.join()


def advance(steps: int) -> None:
    """Tell the bar of ``run_jobs`` that a job has done some steps; outside of a job, tell nobody."""
    if _Job.told is not None:
        _Job.steps += steps
        _Job.told.put(steps)


class _Job:
    """What a worker process knows of the job it is doing."""

    told: "SimpleQueue[int] | None" = None
    steps = 0


def _run(function: Callable[..., object], job: tuple[object, ...], steps: int) -> None:
    """Do a job, then tell the steps it has left out."""
    _Job.steps = 0
    function(*job)
    if steps > _Job.steps:
        advance(steps - _Job.steps)


def _show(told: "SimpleQueue[int]", done: Event, show: Callable[[int], None]) -> None:
    """Show the steps that are told, until all is done and shown."""
    last = False
    while not last:
        last = done.wait(LOOK)  # Before looking: what is told by then is still shown.
        while not told.empty():
            show(told.get())


def _begin(told: "SimpleQueue[int]") -> None:
    """Take note of whom to tell, and end this process when its parent is killed: alone it would wait for ever."""
    _Job.told = told
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
