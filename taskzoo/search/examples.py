"""Some test images with their targets and the chosen network's predictions, side by side."""

from torch import Tensor, nn

from taskzoo.params import ProbeParams
from taskzoo.probe.dense_forms import NumberForm, PixelForm
from taskzoo.probe.forms import AnySplit
from taskzoo.probe.pictures import Pixels, pictures, side_by_side, stripes
from taskzoo.probe.training import predict

SHOWN = 6
SIDE = 160  # Pixels of a picture, at least about so many.


def examples(form: PixelForm | NumberForm, network: nn.Module, split: AnySplit, probe: ProbeParams) -> bytes:
    """Show the first images of a split.

    Args:
        form: Of the task.
        network: Over normalised images.
        split: Of the task.
        probe: Input form.

    Returns:
        A PNG file: a row an image; input, target and prediction.
    """
    images, targets = (each[:SHOWN] for each in form.tensors(split, probe))
    wanted = targets[:, None] if form.classes else form.values(targets)

    def shown(values: Tensor) -> Pixels:
        return pictures(form, values) if isinstance(form, PixelForm) else stripes(form, values, images.shape[-1])

    columns = [
        ("input", split.images[:SHOWN].transpose(0, 2, 3, 1)),
        (f"target: {form.domain.name}", shown(wanted)),
        ("prediction", shown(form.values(predict(network, images)))),
    ]
    return side_by_side(columns, max(1, round(SIDE / images.shape[-1])))
