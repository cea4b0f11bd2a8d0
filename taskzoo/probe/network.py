"""The probe: a timm backbone that all tasks of a zoo share, and a linear head of the task's own."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from taskzoo.errors import InputError
from taskzoo.files import digest_bytes, digest_json
from taskzoo.params import ProbeParams

State = dict[str, Tensor]
CHANNELS = 3  # Grey images are repeated, so that grey and colour tasks share one backbone.


class Probe(nn.Module):
    """Backbone and head.

    Args:
        backbone: Maps images [N, 3, H, W] to features [N, D].
        features: D.
        classes: Number of outputs K.
    """

    def __init__(self, backbone: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [N, K] of normalised images [N, 3, H, W]."""
        logits: Tensor = self.head(self.backbone(images))
        return logits


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def normalise(images: npt.NDArray[np.uint8], params: ProbeParams) -> Tensor:
    """Turn pixels into what the backbone eats.

    Args:
        images: [N, 3, H, W], uint8.
        params: Gives mean and std.

    Returns:
        float32 [N, 3, H, W], (pixel / 255 - mean) / std.
    """
    return (torch.from_numpy(images).float() / 255 - params.mean) / params.std


def create_backbone(name: str, image_size: int) -> nn.Module:
    """Make a timm network without a classifier, randomly initialised from torch's current seed.

    Args:
        name: A timm name.
        image_size: Pixels a side; told to networks that must know it (vision transformers).

    Returns:
        The network; maps [N, 3, H, W] to pooled features [N, D].

    Raises:
        InputError: If timm knows no such name, or the network cannot be built for this size.
    """
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "see timm.list_models()"
        raise InputError(
            f"{name!r} is not a timm network; expected a timm name, for example: {near}; correct the name."
        )
    try:
        network = _create(name, image_size)
        feature_size(network, image_size)
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{name!r} cannot work on {image_size}x{image_size} images ({reason}); expected a network for this size; "
            "choose another image_size or network."
        ) from error
    return network


def _create(name: str, image_size: int) -> nn.Module:
    """Call timm, telling the image size to the networks whose constructor takes it."""
    common = {"pretrained": False, "num_classes": 0, "in_chans": CHANNELS}
    try:
        network: nn.Module = timm.create_model(name, img_size=image_size, **common)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        network = timm.create_model(name, **common)
    return network


@torch.no_grad()
def feature_size(backbone: nn.Module, image_size: int) -> int:
    """Return D, the number of pooled features that the backbone gives for images of this size."""
    training = backbone.training
    backbone.eval()
    where = next(backbone.parameters()).device
    features: Tensor = backbone(torch.zeros(1, CHANNELS, image_size, image_size, device=where))
    backbone.train(training)
    return features.shape[1]


def initial_state(params: ProbeParams) -> State:
    """Return the weights and buffers from which every probe of the zoo is trained.

    Args:
        params: Backbone, weights, image size and seed.

    Returns:
        State of the backbone, on the CPU: random from ``params.seed``, or the given weights. An unknown network and
        weights that are missing, damaged or do not fit are refused by InputError.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        backbone = create_backbone(params.backbone, params.image_size)
    if params.weights == "timm":
        backbone.load_state_dict(_timm_weights(params))
    elif params.weights is not None:
        load_weights(backbone, Path(params.weights), params.backbone)
    return {name: tensor.detach().clone() for name, tensor in backbone.state_dict().items()}


def _timm_weights(params: ProbeParams) -> State:
    """Fetch timm's pretrained weights, from its cache where they are there."""
    try:
        network = timm.create_model(params.backbone, pretrained=True, num_classes=0, in_chans=CHANNELS)
    except Exception as error:  # timm, huggingface_hub and urllib each raise their own kinds
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"probe.weights is 'timm', but timm has no weights for {params.backbone!r} at hand ({reason}); expected "
            "cached weights or a network connection; give a local safetensors file instead."
        ) from error
    return {name: tensor.detach() for name, tensor in network.state_dict().items()}


def load_weights(network: nn.Module, path: Path, name: str) -> None:
    """Fill a network from a safetensors file, checking that all of it is there.

    Left out of the check: classifier weights that the file has and the network has not, and batch counters.

    Args:
        network: Filled in place; untouched on error.
        path: The safetensors file.
        name: The network's name, for messages.

    Raises:
        InputError: If the file is missing, is not safetensors, or a tensor is absent or of another shape.
    """
    try:
        state = load_file(path)
    except FileNotFoundError as error:
        raise InputError(
            f"the weights file {path} does not exist; expected a safetensors file; correct the path."
        ) from error
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"the weights file {path} is not safetensors ({error}); expected that format only; convert it."
        ) from error
    wanted = network.state_dict()
    for key, tensor in wanted.items():
        if key.endswith("num_batches_tracked"):
            continue
        found = tuple(state[key].shape) if key in state else "nothing"
        if found != tuple(tensor.shape):
            raise InputError(
                f"the weights file {path} does not fit {name!r}: for {key} it has {found}, expected "
                f"{tuple(tensor.shape)}; give weights of this network."
            )
    network.load_state_dict({key: state.get(key, tensor) for key, tensor in wanted.items()})


def build_probe(params: ProbeParams, classes: int, state: State) -> Probe:
    """Make a probe whose backbone holds ``state`` and whose head is zero.

    Args:
        params: Backbone and image size.
        classes: Number of outputs.
        state: Backbone weights and buffers, for example of ``initial_state``.

    Returns:
        The probe, on the CPU, in training mode.
    """
    backbone = create_backbone(params.backbone, params.image_size)
    backbone.load_state_dict(state)
    probe = Probe(backbone, feature_size(backbone, params.image_size), classes)
    nn.init.zeros_(probe.head.weight)
    nn.init.zeros_(probe.head.bias)
    return probe


def digest_state(state: State) -> str:
    """Return the SHA-256 over names, shapes and values of a state, in name order."""
    parts = [
        [name, list(tensor.shape), digest_bytes(tensor.detach().cpu().contiguous().numpy().tobytes())]
        for name, tensor in sorted(state.items())
    ]
    return digest_json(parts)


def fingerprint(params: ProbeParams, initial: State) -> str:
    """Return what two Fishers must share to be comparable.

    Args:
        params: Backbone, image size, mean and std.
        initial: The shared initial state.

    Returns:
        16 hexadecimal digits over architecture, initial weights, input size, channels and normalisation.
    """
    return digest_json(
        {
            "backbone": params.backbone,
            "initial": digest_state(initial),
            "image_size": params.image_size,
            "channels": CHANNELS,
            "mean": params.mean,
            "std": params.std,
        }
    )[:16]
