"""Small classifiers in which parameters are used in every way we know of: 3 classes, images of 8 x 8 or 32 x 32."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import timm
import torch
from timm.layers import GroupNorm, LayerScale, ScaledStdConv2d
from timm.models.levit import Levit
from timm.models.mlp_mixer import MlpMixer
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

CLASSES = 3
EVERY = ("",)  # A prefix of every name.


@dataclass(frozen=True)
class Case:
    """A network.

    Attributes:
        build: Makes it.
        size: Height and width of its images.
        alone: How the names begin of the parameters whose gradients can only be taken sample by sample.
    """

    build: Callable[[], nn.Module]
    size: int = 8
    alone: tuple[str, ...] = ()


class Parts(nn.Module):
    """A network made of a function and what it uses: modules and parameters."""

    def __init__(self, run: Callable[[Any, Tensor], Tensor], parts: Mapping[str, nn.Module | Tensor]) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)
            else:
                self.register_parameter(name, nn.Parameter(part))

    def forward(self, images: Tensor) -> Tensor:
        return self.run(self, images)


def of(run: Callable[[Any, Tensor], Tensor], **parts: Callable[[], nn.Module | Tensor]) -> Callable[[], nn.Module]:
    """Return a builder of ``Parts``; the parts are made when it is called."""
    return lambda: Parts(run, {name: make() for name, make in parts.items()})


def layers(*make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return a builder of layers in sequence on images of 8 x 8, and a head."""

    def build() -> nn.Module:
        body = nn.Sequential(*(each() for each in make)).eval()
        features = body(torch.zeros(1, 3, 8, 8)).numel()
        return nn.Sequential(*body, nn.Tanh(), nn.Flatten(), nn.Linear(features, CLASSES))

    return build


def conv(inputs: int, outputs: int, kernel: int, **options: Any) -> Callable[[], nn.Module]:
    """Return a maker of a convolution."""
    return partial(nn.Conv2d, inputs, outputs, kernel, **options)


def linear(inputs: int, outputs: int, bias: bool = True) -> Callable[[], nn.Module]:
    """Return a maker of a linear layer."""
    return partial(nn.Linear, inputs, outputs, bias)


def values(*shape: int) -> Callable[[], Tensor]:
    """Return a maker of a parameter's values."""
    return lambda: 0.5 * torch.randn(*shape)


def from_timm(name: str, **options: Any) -> Callable[[], nn.Module]:
    """Return a builder of a timm network for images of 32 x 32."""
    return partial(timm.create_model, name, num_classes=CLASSES, **options)


STEM = conv(3, 8, 4, stride=4)  # Images of 8 x 8 become 4 tokens of 8.
HEAD = linear(8, CLASSES)
AS_SEQUENCE = partial(nn.Flatten, 2)  # [N, 3, 64]
AS_VOLUME = partial(nn.Unflatten, 1, (1, 3))  # [N, 1, 3, 8, 8]
CHANNELS_LAST: Callable[[], nn.Module] = of(lambda _, x: x.movedim(1, -1))


def tokens(net: Any, images: Tensor) -> Tensor:
    """Return 4 tokens of 8, [N, 4, 8]."""
    found: Tensor = net.stem(images).flatten(2).transpose(1, 2)
    return found


def read(net: Any, features: Tensor) -> Tensor:
    """Return the logits of tokens."""
    logits: Tensor = net.head(features.tanh().mean(1))
    return logits


def transposed_norm(net: Any, images: Tensor) -> Tensor:
    """Batch normalisation whose incoming gradient is transposed: torch errs here for a batch of one."""
    features = net.norm(net.stem(images)).flatten(2).transpose(1, 2)
    logits: Tensor = net.head(net.mix(features).square().mean(1))
    return logits


def shared(net: Any, images: Tensor) -> Tensor:
    """One layer used twice: its gradient is summed before it is squared."""
    return read(net, net.twice(net.twice(tokens(net, images)).tanh()))


def tied(net: Any, images: Tensor) -> Tensor:
    """One weight used by a convolution and, transposed, by a linear layer."""
    features = functional.conv2d(net.stem(images), net.weight[:, :, None, None]).tanh()
    return read(net, functional.linear(features.flatten(2).transpose(1, 2), net.weight.mT))


class Tied(nn.Module):
    """One module under two names, and one parameter in two modules."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = STEM()
        self.first = self.second = nn.Linear(8, 8)
        self.third, self.fourth = nn.Linear(8, 8), nn.Linear(8, 8)
        self.fourth.weight = self.third.weight
        self.head = HEAD()

    def forward(self, images: Tensor) -> Tensor:
        x = self.second(self.first(tokens(self, images)).tanh()).tanh()
        return read(self, self.fourth(self.third(x).tanh()))


def concatenated(net: Any, images: Tensor) -> Tensor:
    """Weights used as themselves and through their concatenation."""
    x = tokens(net, images)
    both = functional.linear(x, torch.cat([net.query, net.key])).tanh()
    return read(net, functional.linear(both[..., :8], net.query) + both[..., 8:])


def bias_table(net: Any, images: Tensor) -> Tensor:
    """A table of biases gathered by an index and added to attention, as in Swin."""
    x = tokens(net, images)
    query, key, value = net.qkv(x).chunk(3, -1)
    index = torch.arange(4)[:, None] - torch.arange(4) + 3
    attention = (query @ key.mT + net.table[index.flatten()].view(4, 4)).softmax(-1)
    return read(net, attention @ value)


def masked_attention(net: Any, images: Tensor) -> Tensor:
    """The same as the mask of torch's attention of two heads."""
    x = tokens(net, images)
    query, key, value = net.qkv(x).view(len(x), 4, 3, 2, 4).permute(2, 0, 3, 1, 4)
    index = torch.arange(4)[:, None] - torch.arange(4) + 3
    mixed = functional.scaled_dot_product_attention(query, key, value, net.table[:, index][None])
    return read(net, mixed.transpose(1, 2).flatten(2))


def token_by_expand(net: Any, images: Tensor) -> Tensor:
    """A class token spread by expand."""
    x = tokens(net, images)
    return read(net, net.mix(torch.cat([net.token.expand(len(x), -1, -1), x], 1) + net.position))


def token_by_repeat(net: Any, images: Tensor) -> Tensor:
    """A class token spread by repeat."""
    x = tokens(net, images)
    return read(net, net.mix(torch.cat([net.token.repeat(len(x), 1, 1), x], 1)))


def token_by_cat(net: Any, images: Tensor) -> Tensor:
    """A class token spread by a concatenation of itself."""
    x = tokens(net, images)
    return read(net, net.mix(torch.cat([torch.cat([net.token] * len(x)), x], 1)))


def token_written(net: Any, images: Tensor) -> Tensor:
    """A token written into the batch, and little of it into a buffer."""
    x = tokens(net, images)
    x = x + net.token
    buffer = x.new_zeros(8)
    buffer[:] = net.token
    x = torch.cat([x, torch.zeros_like(x[:, :1])], 1)
    x[:, 4] = net.token
    return read(net, net.mix(x) + 1e-3 * buffer)


def products(net: Any, images: Tensor) -> Tensor:
    """Products with matrices that are parameters: of features, of tokens, by einsum, and a stack of them."""
    x = tokens(net, images) @ net.matrix
    x = torch.einsum("ntc,cd->ndt", x.tanh(), net.matrix).mT
    x = torch.matmul(x.tanh().view(len(x), 4, 2, 4).transpose(1, 2), net.stack).transpose(1, 2).flatten(2)
    return net.head(x.tanh().mean(1) @ net.matrix)  # type: ignore[no-any-return]


def windows(net: Any, images: Tensor) -> Tensor:
    """Windows folded into the sample axis, as in Swin."""
    x = net.stem(images)  # [N, 6, 4, 4]
    x = x.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 4, 5, 1).reshape(-1, 4, 6)  # [4 N, 4, 6]
    x = net.mix(net.norm(x)).tanh() * net.scale + net.position
    x = net.local(x.transpose(1, 2).reshape(-1, 6, 2, 2)).tanh()
    logits: Tensor = net.head(x.reshape(len(images), 4, -1).mean(1))
    return logits


def sequence_first(net: Any, images: Tensor) -> Tensor:
    """A layer fed with the sample axis second."""
    return read(net, net.mix(tokens(net, images).transpose(0, 1)).transpose(0, 1))


def spread(net: Any, images: Tensor) -> Tensor:
    """A parameter spread over the tokens, of which there may be as many as samples."""
    return read(net, tokens(net, images) * net.scale.expand(4, 8))


def spread_beside_sequence_first(net: Any, images: Tensor) -> Tensor:
    """The same beside a layer that has no rule."""
    x = net.mix(tokens(net, images).transpose(0, 1)).transpose(0, 1)
    return read(net, x * net.scale.expand(4, 8))


def attention(net: Any, images: Tensor) -> Tensor:
    """Torch's own attention of tokens to themselves."""
    x = tokens(net, images)
    return read(net, net.attend(x, x, x)[0])


def attention_sequence_first(net: Any, images: Tensor) -> Tensor:
    """Torch's own attention of some tokens to others, samples second."""
    x = tokens(net, images).transpose(0, 1)
    return read(net, net.attend(x[:3], x, x, need_weights=False)[0].transpose(0, 1))


def recurrent(net: Any, images: Tensor) -> Tensor:
    """A recurrent network over the tokens."""
    return read(net, net.lstm(tokens(net, images))[0])


def quantised(net: Any, images: Tensor) -> Tensor:
    """Whole numbers made of the images: no gradient leads back, so nothing tells where the batch is."""
    x = net.embed((images[:, 0, :4] > 0).long()).flatten(2)
    return read(net, net.mix(x))


def half_quantised(net: Any, images: Tensor) -> Tensor:
    """The same beside features that have a gradient."""
    index = (images[:, 0, :4, 0] > 0).long()
    return read(net, tokens(net, images) + net.embed(index))


def casting(net: Any, images: Tensor) -> Tensor:
    """Parameters and features that are cast on the way."""
    x = tokens(net, images).double()
    x = functional.layer_norm(x, (8,), net.weight.double(), None).to(images.dtype)
    return read(net, x * net.scale.to(torch.float64).to(images.dtype))


def branching(net: Any, images: Tensor) -> Tensor:
    """Control flow on values."""
    x = net.scale * tokens(net, images)
    return read(net, 2 * x if x.sum() > 0 else -x)


def in_place(net: Any, images: Tensor) -> Tensor:
    """A network that changes its own input, which is nobody's loss but the caller's."""
    images.mul_(0.5).add_(0.1)
    return read(net, tokens(net, images))


def recomputed(net: Any, images: Tensor) -> Tensor:
    """Activations that are computed again in the backward pass."""
    return read(net, checkpoint(net.mix, tokens(net, images), use_reentrant=False))


def idle(net: Any, images: Tensor) -> Tensor:
    """A parameter that is not used, one used in vain, and one that a constant stands in for."""
    x = tokens(net, images)
    return read(net, x + 0 * net.vain + net.constant.detach())


LAYERS: dict[str, Case] = {
    "conv1d": Case(layers(AS_SEQUENCE, partial(nn.Conv1d, 3, 5, 4, stride=3, padding=2, dilation=2))),
    "conv3d": Case(layers(AS_VOLUME, partial(nn.Conv3d, 1, 4, (2, 3, 3), stride=(1, 2, 1), padding=(0, 1, 1)))),
    "conv": Case(layers(conv(3, 5, 3, bias=False), partial(nn.ReLU, inplace=True), conv(5, 7, 1))),
    "grouped": Case(layers(conv(3, 6, 3), conv(6, 12, 3, padding=1, groups=3), conv(12, 8, 1, groups=4))),
    "grouped_wide": Case(layers(conv(3, 32, 1), conv(32, 32, 3, groups=4, dilation=(1, 2)))),
    "dilated": Case(layers(conv(3, 4, 3, padding=2, dilation=2), conv(4, 5, 2, dilation=(1, 3)))),
    "asymmetric": Case(layers(conv(3, 4, 3, stride=(2, 1), padding=(0, 2)), partial(nn.Conv2d, 4, 5, (1, 4)))),
    "uneven_stride": Case(layers(conv(3, 4, 3, stride=3), conv(4, 5, 1, stride=2))),
    "same": Case(layers(conv(3, 4, 3, padding="same", dilation=2), conv(4, 4, 5, padding="same"))),
    "same_even": Case(layers(conv(3, 4, 4, padding="same"))),
    "valid": Case(layers(conv(3, 4, 3, padding="valid"))),
    "circular": Case(layers(conv(3, 4, 3, padding=1, padding_mode="circular"))),
    "depthwise_1d": Case(layers(AS_SEQUENCE, partial(nn.Conv1d, 3, 3, 3, groups=3))),
    "depthwise_3d": Case(
        layers(conv(3, 4, 1), partial(nn.Unflatten, 1, (2, 2)), partial(nn.Conv3d, 2, 2, 2, groups=2))
    ),
    **{
        f"depthwise_{k}": Case(layers(conv(3, 20, 1), conv(20, 20, k, padding=k // 2, groups=20))) for k in (3, 4, 5, 7)
    },
    "depthwise_dilated": Case(layers(conv(3, 3, 3, padding=2, dilation=2, groups=3))),
    "depthwise_strided": Case(layers(conv(3, 3, 5, stride=(2, 3), padding=(1, 2), groups=3, bias=False))),
    "depthwise_multiplied": Case(layers(conv(3, 6, 3, groups=3))),
    "depthwise_of_one": Case(layers(conv(3, 1, 1), conv(1, 4, 3))),
    "transposed_1d": Case(layers(AS_SEQUENCE, partial(nn.ConvTranspose1d, 3, 4, 3, 2, 1, output_padding=1))),
    "transposed": Case(layers(partial(nn.ConvTranspose2d, 3, 4, (2, 3), (2, 1), (0, 1), bias=False))),
    "transposed_grouped": Case(
        layers(conv(3, 4, 1), partial(nn.ConvTranspose2d, 4, 6, 3, 2, 1, 1, groups=2, dilation=2))
    ),
    "transposed_depthwise": Case(layers(partial(nn.ConvTranspose2d, 3, 3, 2, 2, groups=3))),
    "transposed_3d": Case(layers(AS_VOLUME, partial(nn.ConvTranspose3d, 1, 2, 2, (1, 2, 1), 1))),
    "linear": Case(layers(nn.Flatten, linear(192, 6), nn.Tanh, linear(6, 5, bias=False))),
    "linear_3d": Case(layers(AS_SEQUENCE, linear(64, 6))),
    "linear_4d": Case(layers(CHANNELS_LAST, linear(3, 6), nn.Tanh, linear(6, 4))),
    "linear_in_place": Case(layers(AS_SEQUENCE, linear(64, 6), partial(nn.ReLU, inplace=True), linear(6, 6))),
    "linear_wide": Case(
        layers(nn.Flatten, linear(192, 512), nn.Tanh, partial(nn.Unflatten, 1, (2, 256)), linear(256, 260))
    ),
    "batch_norm_2d_input": Case(layers(nn.Flatten, linear(192, 6), partial(nn.BatchNorm1d, 6))),
    "batch_norm_3d_input": Case(layers(AS_SEQUENCE, partial(nn.BatchNorm1d, 3))),
    "batch_norm": Case(layers(partial(nn.BatchNorm2d, 3), conv(3, 5, 3), partial(nn.BatchNorm2d, 5, affine=False))),
    "batch_norm_3d": Case(layers(AS_VOLUME, partial(nn.BatchNorm3d, 1))),
    "layer_norm": Case(layers(CHANNELS_LAST, linear(3, 6), partial(nn.LayerNorm, 6))),
    "layer_norm_axes": Case(layers(conv(3, 4, 3), partial(nn.LayerNorm, (4, 6, 6)))),
    "layer_norm_last_axes": Case(layers(conv(3, 4, 3), partial(nn.LayerNorm, (6, 6), bias=False))),
    "layer_norm_2d_input": Case(layers(nn.Flatten, linear(192, 6), partial(nn.LayerNorm, 6))),
    "layer_norm_plain": Case(layers(conv(3, 4, 3), partial(nn.LayerNorm, (6, 6), elementwise_affine=False))),
    "group_norm": Case(layers(conv(3, 6, 3), partial(nn.GroupNorm, 2, 6))),
    "group_norm_2d_input": Case(layers(nn.Flatten, linear(192, 6), partial(nn.GroupNorm, 3, 6))),
    "rms_norm": Case(layers(CHANNELS_LAST, linear(3, 6), partial(nn.RMSNorm, 6))),
    "rms_norm_axes": Case(layers(conv(3, 4, 3), partial(nn.RMSNorm, (6, 6)))),
    "instance_norm": Case(layers(conv(3, 4, 3), partial(nn.InstanceNorm2d, 4, affine=True))),
    "instance_norm_1d": Case(layers(AS_SEQUENCE, partial(nn.InstanceNorm1d, 3, affine=True))),
    "instance_norm_tracked": Case(
        layers(conv(3, 4, 3), partial(nn.InstanceNorm2d, 4, affine=True, track_running_stats=True))
    ),
    "weight_standardised": Case(layers(partial(ScaledStdConv2d, 3, 8, 3), partial(ScaledStdConv2d, 8, 8, 3, groups=2))),
    "weight_norm": Case(
        layers(lambda: weight_norm(nn.Conv2d(3, 4, 3)), nn.Flatten, lambda: weight_norm(nn.Linear(144, 5)))
    ),
    "prelu": Case(layers(conv(3, 4, 3), partial(nn.PReLU, 4), conv(4, 4, 3), nn.PReLU)),
    "layer_scale": Case(layers(CHANNELS_LAST, linear(3, 6), partial(LayerScale, 6, 0.7))),
    "layer_scale_in_place": Case(layers(CHANNELS_LAST, linear(3, 6), partial(LayerScale, 6, 0.7, inplace=True))),
}

NETWORKS: dict[str, Case] = {
    "transposed_norm": Case(
        of(transposed_norm, stem=STEM, norm=partial(nn.BatchNorm2d, 8), mix=linear(8, 5), head=linear(5, CLASSES))
    ),
    "shared": Case(of(shared, stem=STEM, twice=linear(8, 8), head=HEAD)),
    "tied": Case(of(tied, stem=STEM, weight=values(8, 8), head=HEAD)),
    "registered_twice": Case(Tied),
    "concatenated": Case(of(concatenated, stem=STEM, query=values(8, 8), key=values(8, 8), head=HEAD)),
    "bias_table": Case(of(bias_table, stem=STEM, qkv=linear(8, 24), table=values(7), head=HEAD)),
    "masked_attention": Case(of(masked_attention, stem=STEM, qkv=linear(8, 24), table=values(2, 7), head=HEAD)),
    "token_by_expand": Case(
        of(token_by_expand, stem=STEM, token=values(1, 1, 8), position=values(1, 5, 8), mix=linear(8, 8), head=HEAD)
    ),
    "token_by_repeat": Case(of(token_by_repeat, stem=STEM, token=values(1, 1, 8), mix=linear(8, 8), head=HEAD)),
    "token_by_cat": Case(of(token_by_cat, stem=STEM, token=values(1, 1, 8), mix=linear(8, 8), head=HEAD)),
    "token_written": Case(of(token_written, stem=STEM, token=values(8), mix=linear(8, 8), head=HEAD), alone=("token",)),
    "products": Case(of(products, stem=STEM, matrix=values(8, 8), stack=values(2, 4, 4), head=HEAD)),
    "windows": Case(
        of(
            windows,
            stem=conv(3, 6, 2, stride=2),
            norm=partial(nn.LayerNorm, 6),
            mix=linear(6, 6),
            scale=values(6),
            position=values(4, 6),
            local=conv(6, 6, 3, padding=1, groups=6),
            head=linear(24, CLASSES),
        )
    ),
    "sequence_first": Case(of(sequence_first, stem=STEM, mix=linear(8, 8), head=HEAD), alone=("mix.",)),
    "spread": Case(of(spread, stem=STEM, scale=values(1, 8), head=HEAD)),
    "spread_beside_sequence_first": Case(
        of(spread_beside_sequence_first, stem=STEM, scale=values(1, 8), mix=linear(8, 8), head=HEAD), alone=("mix.",)
    ),
    "attention": Case(
        of(attention, stem=STEM, attend=partial(nn.MultiheadAttention, 8, 2, batch_first=True), head=HEAD)
    ),
    "attention_sequence_first": Case(
        of(attention_sequence_first, stem=STEM, attend=partial(nn.MultiheadAttention, 8, 2), head=HEAD)
    ),
    "encoder_layer": Case(
        of(
            lambda net, images: read(net, net.encode(tokens(net, images))),
            stem=STEM,
            encode=partial(nn.TransformerEncoderLayer, 8, 2, 12, batch_first=True),
            head=HEAD,
        )
    ),
    "lstm": Case(of(recurrent, stem=STEM, lstm=partial(nn.LSTM, 8, 8, batch_first=True), head=HEAD), alone=("lstm.",)),
    "quantised": Case(of(quantised, embed=partial(nn.Embedding, 2, 1), mix=linear(8, 8), head=HEAD), alone=EVERY),
    "half_quantised": Case(of(half_quantised, stem=STEM, embed=partial(nn.Embedding, 2, 8), head=HEAD)),
    "casting": Case(of(casting, stem=STEM, weight=values(8), scale=values(8), head=HEAD)),
    "branching": Case(of(branching, stem=STEM, scale=values(8), head=HEAD), alone=EVERY),
    "in_place": Case(of(in_place, stem=STEM, head=HEAD), alone=EVERY),
    "recomputed": Case(of(recomputed, stem=STEM, mix=linear(8, 8), head=HEAD), alone=EVERY),
    "idle": Case(of(idle, stem=STEM, unused=values(2), vain=values(8), constant=values(8), head=HEAD)),
}

TIMM: dict[str, Case] = {
    "test_resnet": Case(from_timm("test_resnet"), 32),
    "test_efficientnet": Case(from_timm("test_efficientnet"), 32),
    "test_nfnet": Case(from_timm("test_nfnet"), 32),
    "test_convnext2": Case(from_timm("test_convnext2"), 32),
    "test_vit": Case(from_timm("test_vit", img_size=32), 32),
    "group_norm_resnet": Case(from_timm("test_resnet", norm_layer=partial(GroupNorm, num_groups=4)), 32),
    "mixer": Case(partial(MlpMixer, num_classes=CLASSES, img_size=32, patch_size=8, num_blocks=2, embed_dim=16), 32),
    "levit": Case(
        partial(Levit, 32, embed_dim=(16, 24), key_dim=8, depth=(1, 1), num_heads=(2, 3), num_classes=CLASSES), 32
    ),
}

CASES: dict[str, Case] = {**LAYERS, **NETWORKS, **TIMM}


def build(name: str) -> nn.Module:
    """Build a case with random weights, biases and normalisation statistics, so that none is trivial."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(len(name))
        network = CASES[name].build()
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
        for key, buffer in network.named_buffers():
            if key.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            if key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return network.eval()


def batch(count: int, size: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw images and labels."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, size, size, generator=generator)
    return images, torch.randint(CLASSES, (count,), generator=generator)


def batches(images: Tensor, labels: Tensor, *sizes: int) -> list[tuple[Tensor, Tensor]]:
    """Cut a batch into batches of the sizes given, the last one repeated for as long as it takes."""
    parts: list[tuple[Tensor, Tensor]] = []
    start = 0
    while start < len(images):
        step = sizes[min(len(parts), len(sizes) - 1)]
        parts.append((images[start : start + step], labels[start : start + step]))
        start += step
    return parts


class Passes:
    """Counts a network's forward passes.

    Attributes:
        after: Those that follow the last one over a whole batch: what is taken sample by sample.
    """

    def __init__(self, network: nn.Module, samples: int) -> None:
        self.samples = samples
        self.after: int | None = None
        network.register_forward_pre_hook(self._count)

    def _count(self, _: nn.Module, inputs: tuple[Tensor]) -> None:
        if len(inputs[0]) == self.samples:
            self.after = 0
        elif self.after is not None:
            self.after += 1


def error(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], negligible: float = 1e-14) -> float:
    """Return the largest difference, as a share of its tensor's largest entry.

    Where the true gradient is zero (a bias before a softmax), or almost so because large terms cancel, what is
    found is the rounding of those terms, squared: rounding relative to the network's largest gradient, about 1e-15
    of it in float64. Its square, 1e-30, is no part of any result, but infinitely large beside a zero. Tensors are
    measured by at least this share of the network's largest entry: with 1e-14, a difference of 1e-12 in such a
    tensor stands for a gradient of 1e-13 of the network's largest.
    """
    assert list(found) == list(wanted)
    floor = negligible * max(float(value.max()) for value in wanted.values())
    return max(
        float((found[name] - value).abs().max()) / max(float(value.max()), floor) for name, value in wanted.items()
    )
