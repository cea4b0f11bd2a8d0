"""Reading JSON files into their models, with one sentence for what is missing or damaged."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from taskzoo.errors import InputError
from taskzoo.params import describe

Content = TypeVar("Content")


def read_json(path: Path, kind: type[Content], stage: str) -> Content:
    """Read a JSON file and check it against its model.

    Args:
        path: The file.
        kind: A pydantic model, or any type that pydantic can check.
        stage: That writes such files, for messages.

    Returns:
        The checked content.

    Raises:
        InputError: If the file is missing, is not JSON, or does not fit the model.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); expected a file of the {stage} stage; run that stage again."
        ) from error
    except ValidationError as error:
        raise InputError(
            f"{path} is damaged: {describe(error)}; expected a file of the {stage} stage; run that stage again."
        ) from error
