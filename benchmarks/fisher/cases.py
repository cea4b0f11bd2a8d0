"""What is measured: networks, image sizes, batches and goals."""

from dataclasses import dataclass, field

CLASSES = 100
MEMORY_GOAL = 1.05
RIVALS = ("BackPACK", "nngeometry", "vmap 4", "vmap 16", "loop")


@dataclass(frozen=True)
class Case:
    """One network at one image size and batch.

    Args:
        name: Of its file of results.
        model: timm's name.
        px: Height and width of the images.
        batch: Images in the one batch.
        options: Further arguments of ``timm.create_model``.
        goal: Highest ratio to a plain pass; None for a family that nothing was tuned on.
        timed: Whether time is measured too, or memory only.
        published: Ratios of time and memory that curvlinops reports for its eigenvalue-corrected KFAC, which
            squares per-sample gradients too (in a rotated basis; on an RTX A6000).
    """

    name: str
    model: str
    px: int
    batch: int
    options: dict[str, int] = field(default_factory=dict)
    goal: float | None = None
    timed: bool = True
    published: dict[str, float] | None = None


RESIDUAL, DEPTHWISE, TRANSFORMER, CONVNEXT = 1.2, 1.0, 1.15, 1.2

CPU = [
    Case("resnet18_32", "resnet18", 32, 64, goal=RESIDUAL),
    Case("resnet18_64", "resnet18", 64, 32, goal=RESIDUAL),
    Case("resnet50_64", "resnet50", 64, 16, goal=RESIDUAL),
    Case("efficientnet_lite0_64", "tf_efficientnet_lite0", 64, 32, goal=DEPTHWISE),
    Case("mobilenetv3_small_64", "mobilenetv3_small_100", 64, 32, goal=DEPTHWISE),
    Case("vit_tiny_p16_64", "vit_tiny_patch16_224", 64, 32, {"img_size": 64}, goal=TRANSFORMER),
    Case("vit_tiny_p8_64", "vit_tiny_patch16_224", 64, 32, {"img_size": 64, "patch_size": 8}, goal=TRANSFORMER),
    Case("convnext_femto_64", "convnext_femto", 64, 32, goal=CONVNEXT),
    Case("regnety_002_64", "regnety_002", 64, 32),
    Case("pvt_v2_b0_64", "pvt_v2_b0", 64, 32),
    Case("resnetv2_50x1_bit_64", "resnetv2_50x1_bit", 64, 16, timed=False),
]

CUDA = [
    Case("resnet50_224", "resnet50", 224, 64, goal=RESIDUAL, published={"time": 2.46, "memory": 1.20}),
    Case("convnext_tiny_224", "convnext_tiny", 224, 64, goal=CONVNEXT),
    Case("vit_small_p16_224", "vit_small_patch16_224", 224, 64, goal=TRANSFORMER),
]

CASES = {"cpu": CPU, "cuda": CUDA}
QUICK = {
    "cpu": ("resnet18_64", "mobilenetv3_small_64", "vit_tiny_p16_64"),
    "cuda": ("resnet50_224", "convnext_tiny_224", "vit_small_p16_224"),
}


def find(device: str, name: str) -> Case:
    """Return the case of a device by name."""
    return next(case for case in CASES[device] if case.name == name)
