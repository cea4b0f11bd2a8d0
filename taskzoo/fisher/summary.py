"""A Fisher diagonal on disk: safetensors, with its provenance in the metadata."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from taskzoo.errors import InputError
from taskzoo.files import write_bytes
from taskzoo.fisher.check import Diagonal, check_fisher

SCHEMA_VERSION: Literal[1] = 1


class FisherProvenance(BaseModel):
    """Where a Fisher comes from: source a's backbone on target b's data.

    Attributes:
        schema_version: Of this record.
        fingerprint: Of the probe: architecture, initial state and input form.
        source: The task the backbone was trained on.
        target: The task whose images were used.
        target_digest: Of the target's images and label map.
        repeat: Which training and which draw of images, from 0.
        labels: From the data, drawn from the network's own prediction, or all of them, weighted by it.
        images: Number of images whose gradients were squared.
        head_images: Number of images the head was fitted on.
        dtype: Of the gradients.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    fingerprint: str
    source: str
    target: str
    target_digest: str
    repeat: int = Field(ge=0)
    labels: Literal["data", "model", "expected"]
    images: int = Field(ge=1)
    head_images: int = Field(ge=1)
    dtype: Literal["float32", "float64"]


def save_fisher(path: Path, values: Diagonal, provenance: FisherProvenance) -> None:
    """Write a Fisher diagonal to one safetensors file, atomically, in the precision it has."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in values.items()}
    metadata = {"provenance": provenance.model_dump_json()}
    write_bytes(path, save(tensors, metadata))


def load_fisher(path: Path) -> tuple[Diagonal, FisherProvenance]:
    """Read and check a Fisher diagonal.

    Args:
        path: A file that ``save_fisher`` wrote.

    Returns:
        Tensors by parameter name, and the provenance.

    Raises:
        InputError: If the file is missing, damaged, of another schema, or does not hold a Fisher diagonal.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            provenance = FisherProvenance.model_validate_json(handle.metadata()["provenance"])
        values: Diagonal = load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError, ValidationError) as error:
        raise InputError(damage(path, error)) from error
    check_fisher(values, f"the Fisher in {path}")
    return values, provenance


def check_comparable(first: FisherProvenance, second: FisherProvenance) -> None:
    """Refuse to compare Fishers of different networks, inputs or targets.

    Args:
        first: Of one Fisher.
        second: Of the other.

    Raises:
        InputError: If fingerprint, target or label rule differ.
    """
    for field in ("fingerprint", "target_digest", "labels"):
        ours, theirs = getattr(first, field), getattr(second, field)
        if ours != theirs:
            raise InputError(
                f"the Fishers {first.source}->{first.target} and {second.source}->{second.target} differ "
                f"in {field} ({ours} and {theirs}); expected the same; compute both again with one probe."
            )


def damage(path: Path, error: Exception) -> str:
    """Return the sentence about a file of the Fisher stage that cannot be read."""
    reason = " ".join(str(error).split())[:120]
    return (
        f"{path} is not a readable Fisher file ({type(error).__name__}: {reason}); expected a safetensors "
        "file of the fisher stage; delete it and run the fisher stage again."
    )
