"""The served network of one task: models-from-code, of which MLflow runs a copy; nothing is unpickled."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from torch import Tensor

from taskzoo.data.images import canonical_image
from taskzoo.data.tasks import square_pixels
from taskzoo.errors import InputError
from taskzoo.probe.dense_forms import NumberForm, PixelForm
from taskzoo.probe.network import normalise
from taskzoo.probe.pictures import pictures, png
from taskzoo.probe.training import in_batches
from taskzoo.registry.package import load_card
from taskzoo.search.network import load_network


class TaskNetwork(PythonModel):
    """Images in, the task's classes out, or for a dense target an image or numbers out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Rebuild the tuned network from the package's JSON and safetensors."""
        folder = Path(context.artifacts["package"])
        self.card = load_card(folder)
        self.spec, self.network = load_network(folder)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Classify encoded images, or predict an image or numbers from each.

        Args:
            context: MLflow's; not needed once loaded.
            model_input: Its column ``image`` holds the bytes of JPEG, PNG or other image files.
            params: None are known.

        Returns:
            One row an image. Of classes: ``label``, its ``probability``, and ``probabilities``, class -> probability.
            Of a dense target: ``image``, a PNG file for people, and ``values``, its numbers or classes by channel,
            row and column; of numbers of the whole image ``values`` alone, by channel.
        """
        images = normalise(self._pixels(model_input["image"]), self.card.probe)
        if self.spec.pixels is not None:
            return _dense(self.spec.pixels.form(), in_batches(self.network, images))
        probabilities = torch.softmax(in_batches(self.network, images).double(), dim=1).numpy()
        classes = self.card.classes
        return pd.DataFrame(
            {
                "label": [classes[best] for best in probabilities.argmax(1)],
                "probability": probabilities.max(1),
                "probabilities": [dict(zip(classes, row.tolist(), strict=True)) for row in probabilities],
            }
        )

    def _pixels(self, contents: Iterable[bytes]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Decode and resize images as ``data.tasks`` does.

        Args:
            contents: Encoded images.

        Returns:
            uint8 [N, 3, S, S].

        Raises:
            MlflowException: If one is not a usable image; the scoring server answers with status 400.
        """
        side = self.card.probe.image_size
        images = []
        for row, content in enumerate(contents):
            try:
                images.append(square_pixels(canonical_image(content, f"image of row {row}").content, side))
            except InputError as error:
                raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from error
        return np.stack(images)


def _dense(form: PixelForm | NumberForm, outputs: Tensor) -> pd.DataFrame:
    values = form.values(outputs)
    if isinstance(form, NumberForm):
        return pd.DataFrame({"values": values.double().tolist()})
    shown = [png(picture) for picture in pictures(form, values)]
    return pd.DataFrame({"image": shown, "values": [each.double().tolist() for each in values]})


set_model(TaskNetwork())
