"""Small classifiers of many kinds, 3 classes, 32x32 images."""

from collections.abc import Callable
from functools import partial

import timm
import torch
from timm.layers import GroupNorm
from timm.models.levit import Levit
from timm.models.mlp_mixer import MlpMixer
from torch import Tensor, nn

CLASSES = 3
SIZE = 32


def from_timm(name: str, **options: object) -> nn.Module:
    """Build a timm network."""
    network: nn.Module = timm.create_model(name, num_classes=CLASSES, **options)
    return network


class TransposedNorm(nn.Module):
    """Batch normalisation whose incoming gradient is transposed: torch errs here for a batch of one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 8, stride=8)
        self.norm = nn.BatchNorm2d(6)
        self.mix = nn.Linear(6, 5)
        self.head = nn.Linear(5, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.norm(self.stem(images)).flatten(2).transpose(1, 2)
        logits: Tensor = self.head(self.mix(tokens).square().mean(1))
        return logits


class Shared(nn.Module):
    """One layer used twice: its gradient is summed before it is squared."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 8, stride=8)
        self.twice = nn.Linear(6, 6)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images).mean((2, 3))
        logits: Tensor = self.head(self.twice(self.twice(features).tanh()))
        return logits


class Attention(nn.Module):
    """torch's own attention, whose inner projections are hidden from module hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 8, stride=8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.stem(images).flatten(2).transpose(1, 2)
        logits: Tensor = self.head(self.attention(tokens, tokens, tokens)[0].mean(1))
        return logits


class Branching(nn.Module):
    """Control flow on values, which vmap refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.head = nn.Linear(3, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        scaled = self.scale * images
        if scaled.sum() > 0:
            scaled = 2 * scaled
        logits: Tensor = self.head(scaled.square().mean((2, 3)))
        return logits


class SequenceFirst(nn.Module):
    """A layer fed with the sample axis second."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 16, stride=16)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.stem(images).flatten(2).permute(2, 0, 1)
        logits: Tensor = self.head(self.mix(tokens).tanh().mean(0))
        return logits


def grouped() -> nn.Module:
    """Grouped, dilated and strided convolutions with biases, and a convolution padded by name."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 12, 3, padding=2, dilation=2, groups=3),
        nn.GELU(),
        nn.Conv2d(12, 12, 3, groups=12, stride=(2, 1)),
        nn.InstanceNorm2d(12),
        nn.Conv2d(12, 5, 1, stride=2),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(5),
        nn.Linear(5, CLASSES),
    )


def group_norm() -> nn.Module:
    """A residual network with group normalisation."""
    return from_timm("test_resnet", norm_layer=partial(GroupNorm, num_groups=4))


def mixer() -> nn.Module:
    """An MLP-Mixer."""
    network: nn.Module = MlpMixer(num_classes=CLASSES, img_size=SIZE, patch_size=8, num_blocks=2, embed_dim=16)
    return network


def levit() -> nn.Module:
    """A LeViT, which caches a table of its parameters in evaluation mode."""
    network: nn.Module = Levit(
        img_size=SIZE, embed_dim=(16, 24), key_dim=8, depth=(1, 1), num_heads=(2, 3), num_classes=CLASSES
    )
    return network


# Name -> network, and the fastest pass that must cover it.
CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "test_resnet": (partial(from_timm, "test_resnet"), "rules"),
    "test_efficientnet": (partial(from_timm, "test_efficientnet"), "rules"),
    "test_byobnet": (partial(from_timm, "test_byobnet"), "rules"),
    "test_convnext": (partial(from_timm, "test_convnext"), "vmap"),
    "test_convnext2": (partial(from_timm, "test_convnext2"), "vmap"),
    "test_nfnet": (partial(from_timm, "test_nfnet"), "vmap"),
    "test_mambaout": (partial(from_timm, "test_mambaout"), "vmap"),
    "test_vit": (partial(from_timm, "test_vit", img_size=SIZE), "vmap"),
    "test_vit4": (partial(from_timm, "test_vit4", img_size=SIZE), "vmap"),
    "grouped": (grouped, "rules"),
    "group_norm": (group_norm, "rules"),
    "transposed_norm": (TransposedNorm, "rules"),
    "mixer": (mixer, "rules"),
    "levit": (levit, "vmap"),
    "shared": (Shared, "vmap"),
    "attention": (Attention, "vmap"),
    "sequence_first": (SequenceFirst, "vmap"),
    "branching": (Branching, "loop"),
}


def build(name: str) -> nn.Module:
    """Build a case with random weights, biases and normalisation statistics, so that none is trivial."""
    torch.manual_seed(len(name))
    network = CASES[name][0]()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
        for key, buffer in network.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            if key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return network.eval()


def batch(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw images and labels."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, SIZE, SIZE, generator=generator)
    return images, torch.randint(CLASSES, (count,), generator=generator)
