"""One case's times, in a process of its own: ``python -m benchmarks.fisher.timing ARGUMENT`` writes them to a file.

The file is written after every method, so that a method which kills the process costs itself only.
"""

import math
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import torch

from benchmarks.fisher.cases import RIVALS
from benchmarks.fisher.rivals import METHODS, Pass, Prepare, Sums, WrongError, prepare_ours, prepare_plain
from benchmarks.fisher.settings import TOLERANCE, Settings, decode
from benchmarks.fisher.workload import Workload, load, trace
from taskzoo.files import write_json

WARM_UPS = 2
Record = dict[str, Any]
T = TypeVar("T")
DIED = {"status": "died", "detail": "it ended the process"}


class TooSlowError(Exception):
    """A rival ran into its limit."""


def main() -> None:
    """Measure the case of the argument."""
    case, settings, more = decode(sys.argv[1])
    path, died = Path(more["path"]), more["died"]
    work = load(case, settings)
    record, reference = measure_ours(work, settings)
    record["rivals"] = dict.fromkeys(died, DIED)
    write_json(path, record)
    for name in (name for name in RIVALS if name not in died):
        record["rivals"][name] = DIED
        write_json(path, record)
        record["rivals"][name] = measure_rival(METHODS[name], work, settings, record["plain_s"], reference)
        work.model.zero_grad(set_to_none=True)
        write_json(path, record)


def measure_ours(work: Workload, settings: Settings) -> tuple[Record, Sums]:
    """Time plain and ours by turns; return the figures and our sums."""
    plain = prepare_plain(work.model, work.images, work.labels)
    for _ in range(WARM_UPS):
        plain()
    preparation, ours = timed(lambda: prepare_ours(work.model, work.images, work.labels), settings)
    for _ in range(WARM_UPS):
        sums = ours()
    pairs = by_turns(plain, ours, settings)
    plain_s, ours_s = (min(times) for times in zip(*pairs, strict=True))
    record = {
        "plain_s": plain_s,
        "ours_s": ours_s,
        "ratio": ours_s / plain_s,
        "paired_ratio": statistics.median(ours / plain for plain, ours in pairs),
        "preparation_in_plain_passes": preparation / plain_s,
        "rounds": len(pairs),
    }
    return record, sums


def by_turns(plain: Pass, ours: Pass, settings: Settings) -> list[tuple[float, float]]:
    """Return seconds of plain and ours, paired; who is first changes every round."""
    pairs: list[tuple[float, float]] = []
    end = time.monotonic() + settings.seconds
    while len(pairs) < settings.repeats or time.monotonic() < end:
        if len(pairs) % 2:
            second, first = timed(ours, settings)[0], timed(plain, settings)[0]
        else:
            first, second = timed(plain, settings)[0], timed(ours, settings)[0]
        pairs.append((first, second))
    return pairs


def measure_rival(prepare: Prepare, work: Workload, settings: Settings, plain_s: float, reference: Sums) -> Record:
    """Return a rival's status and, where it has a result, its ratio to plain and its trace's deviation from ours."""
    try:
        with at_most(settings.rival_limit):
            run = prepare(work.model, work.images, work.labels)
            seconds, sums = timed(run, settings)
        status = judge(sums, reference, TOLERANCE[settings.precision])
        seconds = min(seconds, *again(run, seconds, settings))
    except TooSlowError:
        return {"status": "too slow", "detail": f"more than {settings.rival_limit:g} s"}
    except ImportError as error:
        return {"status": "not installed", "detail": str(error)}
    except WrongError as error:
        return {"status": "wrong", "detail": str(error)}
    except Exception as error:  # Whatever another library raises on a network that it does not know.
        if settings.device == "cuda":
            torch.cuda.synchronize()  # Raises where the GPU's context is lost, and with it whatever follows here.
        return {"status": "failed", "detail": f"{type(error).__name__}: {first_line(error)}"}
    return {**status, "seconds": seconds, "ratio": seconds / plain_s}


def judge(sums: Sums, reference: Sums, tolerance: float) -> Record:
    """Compare a rival's sums with ours, by name and by trace."""
    missing = [name for name in reference if name not in sums]
    if missing:
        return {"status": "wrong", "detail": f"nothing for {len(missing)} parameters, {missing[0]} the first"}
    deviation = abs(trace(sums) / trace(reference) - 1)
    if not math.isfinite(deviation):
        return {"status": "wrong", "detail": "its trace is not finite"}
    return {"status": "exact" if deviation <= tolerance else "wrong", "deviation": deviation}


def again(run: Pass, seconds: float, settings: Settings) -> Iterator[float]:
    """Yield the first time, then further ones as the limit allows."""
    yield seconds
    end = time.monotonic() + settings.rival_limit - seconds
    for _ in range(settings.rival_repeats):
        if time.monotonic() + seconds > end:
            return
        yield timed(run, settings)[0]


def timed(call: Callable[[], T], settings: Settings) -> tuple[float, T]:
    """Return the seconds of a call and its result."""
    if settings.device == "cuda":
        event: Any = torch.cuda.Event  # Untyped.
        start, end = event(enable_timing=True), event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        result = call()
        end.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(end)) / 1e3, result
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End a block after some seconds, at its next line of Python."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return (str(error).splitlines() or [""])[0][:200]


if __name__ == "__main__":
    main()
