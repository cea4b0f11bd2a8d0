"""A sqlite file as MLflow's store: made whole, and refused where MLflow would alter or misread it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import mlflow
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from taskzoo.errors import InputError
from taskzoo.files import write_with


def make_database(path: Path, artifacts: Path) -> None:
    """Make an empty store; in one step, so that a kill in the middle leaves no half-made one."""

    def initialise(temporary: Path) -> None:
        store = SqlAlchemyStore(f"sqlite:///{temporary}", str(artifacts))  # type: ignore[no-untyped-call]
        store.engine.dispose()

    write_with(path, initialise)


def check_schema(path: Path) -> None:
    """Refuse what MLflow itself would alter or retry for minutes.

    Args:
        path: The sqlite file.

    Raises:
        InputError: If it is no MLflow database, or one of another version.
    """
    place = f"file:{quote(str(path))}?mode=rw"
    try:
        with closing(sqlite3.connect(place, timeout=20, uri=True)) as database:
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        raise InputError(
            f"{path} is not an MLflow database ({error}); expected one, or no file; move it away and register again."
        ) from error
    history = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    expected = history.get_current_head()
    if found == expected:
        return
    try:
        history.get_revision(found)
    except CommandError as error:
        raise InputError(
            f"{path} has schema {found}, made by a newer MLflow; expected {expected} of MLflow "
            f"{mlflow.__version__}; install the newer MLflow, or use another store."
        ) from error
    raise InputError(
        f"{path} has schema {found}, of an older MLflow; expected {expected} of MLflow {mlflow.__version__}; "
        f"copy the file, then run: mlflow db upgrade sqlite:///{path}"
    )
