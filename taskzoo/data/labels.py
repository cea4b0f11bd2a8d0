"""The map from a data set's classes to a task's."""

from collections.abc import Sequence
from dataclasses import dataclass

from taskzoo.errors import InputError
from taskzoo.params import TaskParams

DROPPED = -1


@dataclass(frozen=True)
class LabelMap:
    """A map of classes.

    Attributes:
        classes: The task's, by integer label.
        targets: The task's label of each data set class; ``DROPPED`` where the task leaves it out.
    """

    classes: tuple[str, ...]
    targets: tuple[int, ...]


def label_map(task: str, params: TaskParams, dataset_classes: Sequence[str]) -> LabelMap:
    """Work out a task's label map.

    Args:
        task: The task, for messages.
        params: Its groups and rest.
        dataset_classes: Names by integer label of the data set.

    Returns:
        The map; the classes stand in the order of ``params.groups``, the rest last.

    Raises:
        InputError: If a class is unknown or in two groups, a group or the rest is empty, or fewer than two
            classes come out; or if the data set has none.
    """
    if not dataset_classes:
        raise InputError(
            f"tasks.{task}.dataset has target images in place of classes; expected a target beside it; name one, such "
            "as normal."
        )
    if params.groups is None:
        if params.rest is not None:
            raise InputError(
                f"tasks.{task}.rest is {params.rest!r} without groups; expected groups beside it; add them "
                "or drop rest."
            )
        return LabelMap(tuple(dataset_classes), tuple(range(len(dataset_classes))))
    targets = _grouped(f"tasks.{task}.groups", params.groups, dataset_classes)
    classes = list(params.groups)
    if params.rest is not None:
        if params.rest in classes or DROPPED not in targets:
            found = "also a group" if params.rest in classes else "empty, as the groups hold every class"
            raise InputError(
                f"tasks.{task}.rest is {params.rest!r}, which is {found}; expected a name of its own for the "
                "other classes; rename or drop it."
            )
        targets = [len(classes) if target == DROPPED else target for target in targets]
        classes.append(params.rest)
    if len(classes) < 2:
        raise InputError(
            f"tasks.{task}.groups makes only the class {', '.join(classes)!r}; expected at least two; add a "
            "group or rest."
        )
    return LabelMap(tuple(classes), tuple(targets))


def _grouped(field: str, groups: dict[str, list[str | int]], dataset_classes: Sequence[str]) -> list[int]:
    targets = [DROPPED] * len(dataset_classes)
    for target, (name, members) in enumerate(groups.items()):
        if not members:
            raise InputError(f"{field}.{name} is empty; expected classes of the data set; add some or drop the group.")
        for member in map(str, members):
            if member not in dataset_classes:
                raise InputError(
                    f"{field}.{name} has {member!r}, which is no class of the data set; expected one of "
                    f"{', '.join(dataset_classes[:20])}; correct it."
                )
            index = dataset_classes.index(member)
            if targets[index] != DROPPED:
                raise InputError(
                    f"{field} has {member!r} twice, in {list(groups)[targets[index]]} and {name}; expected "
                    "every class in one group at most; take it out of one."
                )
            targets[index] = target
    return targets
