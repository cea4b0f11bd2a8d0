"""Where parameters meet the batch, and how the gradients taken there become the parameters' own.

The gradients of a parameter that meets the batch once, as itself, are collected on the spot. Others (used twice, or
met through something made of them) wait until all gradients that concern them are there; these are pulled back
through the graph of what was made, a few samples at a time, and collected then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from taskzoo.fisher.collecting import Collector
from taskzoo.fisher.gradients import Gradients, Rows

Names = frozenset[str]
Signature = list[tuple[Names, torch.Size]]
Watched = list[tuple[Names, Tensor]]
SCRATCH = 1 << 20  # Elements of pulled gradients in memory at once.


@dataclass(eq=False)
class Meeting:
    """One place where a tensor made of parameters meets the batch.

    Attributes:
        tensor: The parameter, or what was made of it, with its graph.
        names: Of the parameters that it is made of.
        shape: Its own, without an axis that grows with the batch.
    """

    tensor: Tensor
    names: Names
    shape: torch.Size


class Meetings:
    """The meetings of one forward pass.

    Args:
        parameters: Wanted, by name.
        samples: Of the batch, N.
        collector: Takes the gradients of parameters.

    Attributes:
        made: Parameters and all that was made of them alone, with the names of those, by identity.
        refused: Names of parameters that were used in a way nobody knows the gradient of.
        watched: Once it is a list, what meets parameters in the batch is kept in it: the first sample's part, and the
            names of those.
        last: Whether no backward pass follows the next one: what it is done with is set free.
    """

    def __init__(self, parameters: Mapping[str, Tensor], samples: int, collector: Collector) -> None:
        self.parameters = parameters
        self.collector = collector
        self.samples = samples
        self.made: dict[int, tuple[Tensor, Names]] = {}
        self.refused: set[str] = set()
        self.watched: Watched | None = None
        self.last = False
        self.all: list[Meeting] = []
        self._groups: dict[Meeting, list[Meeting]] = {}
        self._waiting: dict[Meeting, Gradients] = {}
        for name, tensor in parameters.items():
            self.make(tensor, frozenset([name]))

    def make(self, tensor: Tensor, names: Names) -> Tensor:
        """Note that a tensor is made of parameters; return it."""
        self.made[id(tensor)] = (tensor, names)
        return tensor

    def add(self, tensor: Tensor, shape: torch.Size | None = None) -> Meeting:
        """Note that a made tensor meets the batch; ``shape`` leaves out an axis of samples that it has."""
        self.all.append(Meeting(tensor, self.made[id(tensor)][1], tensor.shape if shape is None else shape))
        return self.all[-1]

    def watch(self, batch: Tensor, tensors: Iterable[Tensor]) -> None:
        """Keep what the first sample's part seems to be of a tensor that meets made ones."""
        if self.watched is not None:
            known = (self.made[id(tensor)][1] for tensor in tensors if id(tensor) in self.made)
            part = batch.detach()[: len(batch) // self.samples].clone()
            self.watched.append((frozenset[str]().union(*known), part))

    def settle(self) -> None:
        """Group the meetings that have parameters in common, once all are known."""
        self.made.clear()
        groups: dict[str, list[Meeting]] = {}
        for meeting in self.all:
            joined = {id(groups[name]): groups[name] for name in meeting.names if name in groups}
            group = [each for known in joined.values() for each in known]
            group.append(meeting)
            groups |= {name: group for each in group for name in each.names}
        self._groups = {meeting: groups[min(meeting.names)] for meeting in self.all}

    def signature(self) -> Signature:
        """Return what met the batch, in order: the same for every batch of a model."""
        return [(meeting.names, meeting.shape) for meeting in self.all]

    def arrive(self, gradients: Mapping[Meeting, Gradients]) -> None:
        """Take the gradients of meetings; finish the groups that are complete."""
        self._waiting |= gradients
        for meeting in gradients:
            group = self._groups[meeting]
            if meeting in self._waiting and all(each in self._waiting for each in group):
                self._finish({each: self._waiting.pop(each) for each in group})

    def finish(self) -> None:
        """Finish the groups of which some meeting has no influence on the likelihood."""
        while self._waiting:
            group = self._groups[next(iter(self._waiting))]
            self._finish({each: self._waiting.pop(each) for each in group if each in self._waiting})

    def _finish(self, gradients: Mapping[Meeting, Gradients]) -> None:
        (first, value), *others = gradients.items()
        (name, *more) = sorted(first.names)
        if not others and not more and first.tensor is self.parameters[name]:
            self.collector.take(name, value)
            return
        names = sorted(frozenset[str]().union(*(meeting.names for meeting in gradients)))
        tensors = [meeting.tensor for meeting in gradients]
        parameters = [self.parameters[name] for name in names]
        step = max(1, SCRATCH // sum(tensor.numel() for tensor in (*tensors, *parameters)))
        for start in range(0, self.samples, step):
            part = slice(start, min(start + step, self.samples))
            keep = not self.last or part.stop < self.samples
            pulled = _pull(tensors, parameters, [value.rows(part) for value in gradients.values()], keep)
            for name in reversed(names):  # Each is set free before the next is collected.
                gradient = pulled.pop()
                if gradient is not None:
                    self.collector.take(name, Rows(gradient if part.stop - start > 1 else gradient[None]))
                del gradient
        if self.last:
            for meeting in gradients:
                meeting.tensor = meeting.tensor.new_empty(0)


def restricted(signature: Signature, names: Collection[str]) -> Signature:
    """Return the part of a signature that concerns some parameters."""
    seen = ((known.intersection(names), shape) for known, shape in signature)
    return [(some, shape) for some, shape in seen if some]


def _pull(
    tensors: Sequence[Tensor], parameters: Sequence[Tensor], rows: Sequence[Tensor], keep: bool
) -> list[Tensor | None]:
    """Return the parameters' gradients given those of what was made of them, [n, ...]; [...] where n is 1."""
    batched = len(rows[0]) > 1
    if not batched:
        rows = [row[0] for row in rows]
    return list(
        torch.autograd.grad(tensors, parameters, rows, retain_graph=keep, allow_unused=True, is_grads_batched=batched)
    )
