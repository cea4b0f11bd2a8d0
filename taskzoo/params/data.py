"""Data sets, their splits, and the tasks over them."""

from pydantic import Field, model_validator

from taskzoo.params.names import FormatName, Name, Section, TargetName

FORMAT_OPTIONS = {
    "domains": ("taskonomy",),
    "split_file": ("taskonomy",),
    "views": ("taskonomy", "rooms", "meshes"),
    "rooms": ("rooms",),
    "image_size": ("rooms", "meshes"),
    "seed": ("rooms", "meshes"),
}


class DatasetParams(Section):
    """Where one data set's images come from."""

    path: str = Field(
        description="File or folder to read; DVC watches it. Embedded sets name the module that reads them."
    )
    format: FormatName | None = Field(
        None, description="How to read it; found from the path when left out, except taskonomy, rooms and meshes."
    )
    name: str | None = Field(None, description="torchvision's class name, for format torchvision.")
    group: str | None = Field(
        None,
        description="Regular expression with one group, matched on image paths: what it catches stays in one split.",
    )
    max_per_class: int | None = Field(
        None, ge=1, description="Keep at most so many images a class, chosen by content hash."
    )
    domains: list[TargetName] | None = Field(
        None, description="Targets to read, for format taskonomy; all that the folder holds when left out."
    )
    split_file: str | None = Field(
        None,
        description="Taskonomy's train_val_test_*.csv: names each building's split; others are left out.",
    )
    views: int | None = Field(
        None,
        ge=1,
        description="At most so many views a building (taskonomy); views a room or mesh, 10 when left out.",
    )
    rooms: int = Field(30, ge=3, description="Synthetic rooms, for format rooms; each stays in one split.")
    image_size: int = Field(64, ge=16, le=512, description="Pixels a side, for formats rooms and meshes.")
    seed: int = Field(0, description="Of the rooms, cameras and colours, for formats rooms and meshes.")

    @model_validator(mode="after")
    def _options_are_of_the_format(self) -> "DatasetParams":
        for field in sorted(self.model_fields_set & set(FORMAT_OPTIONS)):
            if self.format not in FORMAT_OPTIONS[field]:
                formats = " or ".join(FORMAT_OPTIONS[field])
                raise ValueError(f"{field} is set and format is {self.format}; expected format {formats}; drop {field}")
        unused = sorted(self.model_fields_set & {"group", "max_per_class"})
        if self.format in {"taskonomy", "rooms", "meshes"} and unused:
            raise ValueError(f"{unused[0]} is set, which format {self.format} does not use; drop it")
        return self


class SplitParams(Section):
    """Shares of the images (or groups) that a source without splits of its own gives to each split."""

    val: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leave_something(self) -> "SplitParams":
        if self.val + self.test >= 1:
            raise ValueError(
                f"val + test is {self.val + self.test:g}; expected less than 1, so that train is not empty"
            )
        return self


class TaskParams(Section):
    """One task over a data set: a map from the data set's classes to the task's, or a domain to predict."""

    dataset: Name
    groups: dict[str, list[str | int]] | None = Field(
        None, description="Task class -> data set classes. Left out: every data set class is a task class."
    )
    rest: str | None = Field(
        None, description="Name of one more class holding all other images; left out, they are dropped."
    )
    # Left out of what is written where it is not set: packages of classification tasks keep their digests.
    target: TargetName | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="A domain to predict from the image, in place of classes.",
    )

    @model_validator(mode="after")
    def _classes_or_target(self) -> "TaskParams":
        if self.target is not None and (self.groups is not None or self.rest is not None):
            raise ValueError(f"target is {self.target!r} beside groups or rest; expected either; drop one")
        return self


class SizeParams(Section):
    """At most how many images a task takes from each split, every class equally often."""

    train: int = Field(2000, ge=4)
    val: int = Field(400, ge=4)
    test: int = Field(1000, ge=4)
