"""One writer at a time, and the store's errors in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from taskzoo.errors import InputError
from taskzoo.files import disk_errors

LOCK_SECONDS = 600


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file lock.

    Args:
        path: The lock file.

    Yields:
        Nothing; the lock is held inside the block.

    Raises:
        InputError: If it cannot be had.
    """
    lock = FileLock(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout as error:
        raise InputError(
            f"{path} has been held by another process for {LOCK_SECONDS} s; expected it to finish "
            "registering; end that process."
        ) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); expected a writable folder; choose another store."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Tell an error of the store in one sentence.

    Args:
        uri: Of the store.

    Yields:
        Nothing.

    Raises:
        InputError: If MLflow, its database or the disk below fails inside the block.
    """
    try:
        with disk_errors(uri):
            yield
    except (MlflowException, SQLAlchemyError) as error:
        reason = " ".join(str(error).partition("[SQL")[0].split())[:300]
        raise InputError(
            f"the MLflow store {uri} failed ({reason}); expected a working store of MLflow "
            f"{mlflow.__version__}; see to it, then run the same command again."
        ) from error
