"""`taskzoo ...`: the pipeline's verbs for people without DVC."""

from importlib import import_module
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which past task should a new vision data set transfer from, and which network should it train?",
)

DataSet = Annotated[str | None, typer.Argument(help="Its key in params.yaml; all of them when left out.")]


def _call(stage: str, *arguments: str) -> None:
    """Run one stage; its libraries are imported only now, so that --help stays quick."""
    from taskzoo.entry import run

    run(getattr(import_module(f"pipelines.{stage}"), stage), *arguments)


def _call_each(stage: str, name: str | None) -> None:
    """Run a stage for one data set, or for all of them."""
    from taskzoo.entry import run
    from taskzoo.params import load_params

    names: list[str] = [] if name is None else [name]
    if name is None:
        run(lambda: names.extend(load_params().datasets))
    for each in names:
        _call(stage, each)


@app.command()
def dataset(name: DataSet = None) -> None:
    """Bring data sets into their canonical, content-addressed form."""
    _call_each("dataset", name)


@app.command()
def validate(name: DataSet = None) -> None:
    """Check data sets against their expectations and write Data Docs."""
    _call_each("validate", name)


@app.command()
def train() -> None:
    """Train every task's probes from the shared initial state."""
    _call("train")


@app.command()
def fisher() -> None:
    """Take the Fisher diagonal of every source on every target."""
    _call("fisher")


@app.command()
def distances() -> None:
    """Compute every measure for all pairs and repeats."""
    _call("distances")


@app.command()
def search() -> None:
    """Search the full space of architectures for every task."""
    _call("search")


@app.command()
def package() -> None:
    """Put all that the registry needs of each task into one folder."""
    _call("package")


@app.command()
def register() -> None:
    """Log packages as MLflow models; what is there already is left alone, a lost store is rebuilt."""
    _call("register")


@app.command()
def recommend() -> None:
    """Rank the sources of every task from the registry, and narrow its search."""
    _call("recommend")


@app.command()
def compare() -> None:
    """Measure what each recommendation is worth beside its controls."""
    _call("compare")


@app.command()
def report() -> None:
    """Draw the figures and write the tables."""
    _call("report")


@app.command()
def adapt(
    dataset: Annotated[str, typer.Argument(help="Folder (one folder a class), Parquet or npz file.")],
    name: Annotated[str, typer.Argument(help="Name of the new task.")],
    group: Annotated[str, typer.Argument(help="Regular expression on image paths: its group stays in one split.")] = "",
    target: Annotated[str, typer.Option(help="What to predict for every pixel, such as normal; classes without.")] = "",
) -> None:
    """Add a new target: measure, recommend, search, train, register."""
    _call("adapt", dataset, name, group, target)


@app.command(name="all")
def every() -> None:
    """Run every stage in order, without DVC: nothing is skipped but what a stage itself finds done."""
    for stage in (dataset, validate):
        stage(None)
    for step in (train, fisher, distances, search, package, register, recommend, compare, report):
        step()
