"""The exact diagonal of the Fisher information of a network, over any number of samples."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.files import write_bytes
from taskzoo.fisher.check import Diagonal, check_fisher
from taskzoo.fisher.checkpoint import Checkpoint, Progress
from taskzoo.fisher.engine import Engine, Targets
from taskzoo.fisher.evaluation import ready
from taskzoo.fisher.precision import Precision, working_in
from taskzoo.likelihood import Categorical, Likelihood, missing

Labels = Literal["data", "model", "expected"]
Batches = Iterable[tuple[Tensor, Tensor]]


class Provenance(BaseModel):
    """How a Fisher diagonal was computed.

    Attributes:
        labels: The data's, drawn from the network's own prediction, or all of them weighted by their probability.
        draws: Labels drawn a sample.
        samples: Number of samples averaged over.
        likelihood: Name of the class.
        precision: Of the passes; sums are float64.
        device: Kind of device.
        torch: Version.
        one_by_one: Parameters whose gradients were taken with a backward pass a sample.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Labels
    draws: int = Field(ge=1)
    samples: int = Field(ge=1)
    likelihood: str
    precision: str
    device: str
    torch: str
    one_by_one: tuple[str, ...]


class Record(BaseModel):
    """What a file of a Fisher diagonal says of it, as one entry: safetensors writes several in changing order.

    Attributes:
        provenance: How it was computed.
        order: Names of the parameters, in the model's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenance: Provenance
    order: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FisherDiagonal(Mapping[str, Tensor]):
    """A Fisher diagonal: tensors by parameter name.

    Attributes:
        tensors: On the CPU, each in its parameter's shape and format.
        provenance: How they were computed.
    """

    tensors: Diagonal
    provenance: Provenance

    def __getitem__(self, name: str) -> Tensor:
        """Return a parameter's diagonal."""
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.tensors)

    def __len__(self) -> int:
        """Return the number of parameters."""
        return len(self.tensors)

    def save(self, path: Path) -> None:
        """Write everything to one safetensors file, atomically."""
        metadata = {"record": Record(provenance=self.provenance, order=tuple(self)).model_dump_json()}
        write_bytes(path, save(self.tensors, metadata))


def load(path: Path) -> FisherDiagonal:
    """Read and check a file that ``FisherDiagonal.save`` wrote.

    Args:
        path: The file.

    Returns:
        The diagonal.

    Raises:
        InputError: If the file is missing, damaged, or does not hold a Fisher diagonal.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            record = Record.model_validate_json(handle.metadata()["record"])
        stored = load_file(path)
        values = {name: stored[name] for name in record.order}
    except (OSError, SafetensorError, KeyError, TypeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path} is not a readable Fisher diagonal ({type(error).__name__}: {reason}); expected a file that "
            "FisherDiagonal.save wrote; compute it again."
        ) from error
    check_fisher(values, f"the Fisher in {path}")
    return FisherDiagonal(values, record.provenance)


def fisher(
    model: nn.Module,
    data: Batches,
    likelihood: Likelihood | None = None,
    *,
    labels: Labels = "data",
    draws: int = 1,
    parameters: Collection[str] | None = None,
    generator: torch.Generator | None = None,
    precision: Precision = "float32",
    checkpoint: Path | None = None,
) -> FisherDiagonal:
    """Average the squared per-sample gradient of log p(target | input) over samples.

    Exact for every network whose samples do not influence each other in evaluation mode, in which it is evaluated;
    it comes back as it was: mode, gradients, flags, buffers. Memory does not grow with the number of samples.

    Args:
        model: Maps inputs [N, ...] to outputs; on any device.
        data: Batches of inputs [N, ...] and targets [N, ...]; any N, any number of batches.
        likelihood: Of the outputs; class labels under logits [N, K] where left out.
        labels: "data" for the empirical Fisher; "model" draws targets from the model's own prediction; "expected"
            weights every class by its probability: the exact model Fisher, one backward pass a class. Where targets
            are images, those drawn are missing where the data's are, and "expected" is refused.
        draws: Targets drawn a sample, for "model".
        parameters: Names of the parameters wanted; all that require a gradient where left out.
        generator: Of drawn targets, on the CPU; torch's own where left out.
        precision: Of the passes: the model's own, or on a GPU "tf32" or "bf16".
        checkpoint: A file in which sums are kept between batches now and then. With the same file, model and data
            an interrupted call goes on where it was, to the bit; the file is removed in the end.

    Returns:
        Tensors by parameter name, in the order of ``model.named_parameters()``. An unknown name, no samples,
        outputs or results that are not finite, and a result that is all zero are refused by InputError.
    """
    _check_call(labels, draws)
    names = wanted(model, parameters)
    likelihood = Categorical() if likelihood is None else likelihood
    where = next(model.parameters()).device
    engine: Engine | None = None
    with ready(model, names), working_in(precision, where):
        kind = f"{type(likelihood).__module__}.{type(likelihood).__qualname__}"
        keeper = Checkpoint(checkpoint, model, [names, labels, draws, precision, kind], generator)
        done = keeper.load()
        for number, (inputs, targets) in enumerate(data):
            if number < done.batches or not len(inputs):
                continue
            keeper.go_on(done)
            inputs = inputs.to(where)
            if engine is None:
                with working_in("float32", where):  # Rounding must not be taken for a rule that does not hold.
                    engine = Engine(model, names, likelihood, inputs)
            chooser = _Chooser(likelihood, labels, draws, targets.to(where), generator)
            done.one_by_one = tuple(engine.alone)
            done = done.add(engine.sums(inputs, chooser), len(inputs), number + 1)
            keeper.save(done)
    values = _average(done, model, names)
    keeper.remove()
    return FisherDiagonal(
        values,
        Provenance(
            labels=labels,
            draws=draws,
            samples=done.samples,
            likelihood=type(likelihood).__name__,
            precision=precision,
            device=where.type,
            torch=torch.__version__,
            one_by_one=done.one_by_one,
        ),
    )


@dataclass(frozen=True)
class _Chooser:
    """Chooses the targets of a batch by one of the rules."""

    likelihood: Likelihood
    labels: Labels
    draws: int
    targets: Tensor
    generator: torch.Generator | None

    def __call__(self, outputs: Tensor) -> Targets:
        """Return targets with the weights of their squares."""
        if not outputs.isfinite().all():
            raise InputError(
                "the network's outputs are not finite; expected numbers; look for damaged inputs or a network that "
                "diverged, and train it again at a lower rate."
            )
        if self.labels == "data":
            return [(self.targets, None)]
        if self.labels == "expected":
            return [(target, weight) for target, weight in self.likelihood.outcomes(outputs.detach())]
        share = outputs.new_full((len(outputs),), 1 / self.draws)
        drawn = self.likelihood.draw(outputs.detach(), self.draws, self.generator)
        return [(self._as_far_as_known(target), share) for target in drawn]

    def _as_far_as_known(self, target: Tensor) -> Tensor:
        """Return a drawn target, missing where the data's is."""
        gone = missing(self.targets)
        return torch.where(gone, self.targets.to(target.dtype), target) if gone.any() else target


def _average(done: Progress, model: nn.Module, names: Collection[str]) -> Diagonal:
    """Return the averages over samples, on the CPU.

    Raises:
        InputError: If there were no samples, or the averages are no Fisher diagonal.
    """
    if not done.samples:
        raise InputError("data holds no samples; expected at least one to take the Fisher on; give some.")
    values = {}
    for name in names:  # One at a time, each in its parameter's own format: the sums may be as large as memory allows.
        total = done.sums.pop(name)
        values[name] = total.div_(done.samples).to("cpu", model.get_parameter(name).dtype).contiguous()
    check_fisher(values, "the Fisher")
    return values


def _check_call(labels: str, draws: int) -> None:
    """Refuse arguments that make no sense before anything is computed.

    Raises:
        InputError: If so.
    """
    if labels not in get_args(Labels):
        raise InputError(f"labels is {labels!r}; expected one of {', '.join(get_args(Labels))}; correct it.")
    if draws < 1:
        raise InputError(f"draws is {draws}; expected at least 1; raise it.")
    if torch.is_inference_mode_enabled():
        raise InputError(
            "fisher was called inside torch.inference_mode(), where there are no gradients; expected a call outside "
            "of it; leave that block first."
        )


def wanted(model: nn.Module, parameters: Collection[str] | None) -> list[str]:
    """Return the names of the parameters asked for in the model's order.

    Args:
        model: The model.
        parameters: Names; all that require a gradient where left out.

    Returns:
        The names.

    Raises:
        InputError: If one is unknown, or there is none.
    """
    known = dict(model.named_parameters())
    if parameters is None:
        parameters = [name for name, value in known.items() if value.requires_grad]
    if not parameters:
        raise InputError(
            "no parameter is wanted: parameters is empty, or the network has none that requires a gradient; expected "
            "at least one; name some."
        )
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise InputError(
            f"parameters names {unknown[0]!r}, which the network has not; expected names of "
            "named_parameters(); correct it."
        )
    return [name for name in known if name in set(parameters)]
