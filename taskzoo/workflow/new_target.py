"""What a person asks for who brings a new data set."""

from dataclasses import dataclass
from pathlib import Path

from taskzoo.data.dense.domains import COMPUTED, DOMAINS
from taskzoo.data.dense.taskonomy import holds
from taskzoo.data.dense.views import RGB
from taskzoo.errors import InputError
from taskzoo.params import DatasetParams, TaskParams


@dataclass(frozen=True)
class NewTarget:
    """What a person asks for.

    Args:
        source: Folder, Parquet or npz file.
        name: Of the new task and of its data set.
        group: Regular expression on image paths, or empty.
        target: Domain to predict for every pixel, or empty for classes.
    """

    source: str
    name: str
    group: str = ""
    target: str = ""

    def dataset(self) -> DatasetParams:
        """Return where the images are and how to read them.

        Raises:
            InputError: If they are views and no target is named.
        """
        views = holds(Path(self.source), RGB)
        if views and not self.target:
            raise InputError(
                f"target: nothing is given for {self.source}, which holds Taskonomy's views; expected what to predict, "
                f"one of {', '.join(DOMAINS)}; name one."
            )
        if views:
            computed = self.target in COMPUTED and not holds(Path(self.source), self.target)
            domains = {} if computed else {"domains": [self.target]}
            return DatasetParams.model_validate({"path": self.source, "format": "taskonomy", **domains})
        return DatasetParams(path=self.source, group=self.group or None)

    def task(self) -> TaskParams:
        """Return what is asked of the images.

        Raises:
            InputError: If there is no such target.
        """
        if self.target and self.target not in DOMAINS:
            raise InputError(
                f"target: {self.target!r} is no target; expected one of {', '.join(DOMAINS)}, or nothing for classes; "
                "correct it."
            )
        return TaskParams.model_validate({"dataset": self.name, "target": self.target or None})
