"""Probes on disk: safetensors only, with their provenance."""

from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from taskzoo.errors import InputError
from taskzoo.files import write_bytes
from taskzoo.probe.network import Probe, State
from taskzoo.probe.pyramid import DenseProbe


class ProbeRecord(BaseModel):
    """What a probe file says of itself.

    Attributes:
        task: The task it was trained on.
        task_digest: Digest of the task's images and label map.
        fingerprint: Of architecture, initial state and input form.
        repeat: Which of the trainings, from 0.
        classes: The head's outputs, in order; none where they are numbers.
        score: On the task's validation images: the accuracy, or of a dense target the skill, 1 at best.
        curve: Training loss, one value every few steps.
        key: Content hash of all that the training depends on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    task_digest: str
    fingerprint: str
    repeat: int
    classes: tuple[str, ...]
    score: float = Field(validation_alias=AliasChoices("score", "accuracy"))  # As earlier versions called it.
    curve: tuple[float, ...]
    key: str


def save_probe(path: Path, probe: Probe | DenseProbe, record: ProbeRecord) -> None:
    """Write a probe's weights and record to one safetensors file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in probe.state_dict().items()}
    metadata = {"record": record.model_dump_json()}
    write_bytes(path, save(tensors, metadata))


def load_record(path: Path) -> ProbeRecord:
    """Read a probe file's record without its weights.

    Args:
        path: A file that ``save_probe`` wrote.

    Returns:
        The record.

    Raises:
        InputError: If the file is missing, damaged or not a probe.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            return ProbeRecord.model_validate_json(handle.metadata()["record"])
    except (OSError, SafetensorError, KeyError, TypeError, ValidationError) as error:
        raise InputError(_damage(path, error)) from error


def saved_key(path: Path) -> str | None:
    """Return the key in a file's record; None where there is no readable probe, so that it is trained again."""
    try:
        return load_record(path).key
    except InputError:
        return None


def load_state(path: Path) -> State:
    """Return all tensors of a probe file, backbone and head.

    Args:
        path: A file that ``save_probe`` wrote.

    Returns:
        Tensors by name.

    Raises:
        InputError: If the file is missing or damaged.
    """
    try:
        state: State = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(_damage(path, error)) from error
    return state


def load_backbone(path: Path) -> State:
    """Return the backbone's state, without the head, under the backbone's own names."""
    return {
        name.removeprefix("backbone."): tensor
        for name, tensor in load_state(path).items()
        if name.startswith("backbone.")
    }


def _damage(path: Path, error: Exception) -> str:
    reason = " ".join(str(error).split())[:120]
    return (
        f"{path} is not a readable probe ({type(error).__name__}: {reason}); expected a safetensors file of the "
        "train stage; delete it and run the train stage again."
    )
