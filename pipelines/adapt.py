"""Add a new target to the zoo (the `mlflow run` entry): targets/<name>, and a registered model."""

from rich.console import Console

from taskzoo.entry import stage
from taskzoo.params import load_params
from taskzoo.workflow.adapting import adapt_target
from taskzoo.workflow.new_target import NewTarget
from taskzoo.workflow.outcome import show


def adapt(dataset: str, name: str, group: str = "", target: str = "") -> None:
    """Measure, advise, search, train and register the images at ``dataset`` as the task ``name``."""
    show(adapt_target(NewTarget(dataset, name, group, target), load_params()), Console())


if __name__ == "__main__":
    stage(adapt)
