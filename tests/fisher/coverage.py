"""What the Fisher pass makes of every family of timm."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from taskzoo.fisher.diagonal import fisher
from taskzoo.fisher.reference import reference_fisher
from tests.fisher.cases import Passes, error
from tests.fisher.families import FAMILIES, build_member

SAMPLES = 3  # One more than the engine's own check takes.
EXACT = 1e-12
# Members that compute in float32 whatever their own format: two float64 computations of them agree no better.
ROUNDED = {"deepseek_vit": "its RMS norms compute in float32, also where the network is float64"}
# Members whose samples influence each other: their diagonal is that of samples seen alone.
MIXING = {"csatv2": "its spatial attention attends over the batch (`q @ k.transpose(-1, -2)` of two [B, N] tensors)"}


@dataclass(frozen=True)
class Coverage:
    """A member's Fisher in float64 against the reference.

    Attributes:
        parameters: Names of all its parameters.
        one_by_one: Names of those whose gradients were taken sample by sample.
        passes: Forward passes that single samples took.
        error: Largest difference as a share of a parameter's largest entry.
        rounding: Where that is not exact, how far the reference moves when the images move by a rounding error:
            gradients that nearly cancel are known no better, on some processors.
    """

    parameters: tuple[str, ...]
    one_by_one: tuple[str, ...]
    passes: int | None
    error: float
    rounding: float

    @property
    def told(self) -> str:
        """Return the names one by one, as the table tells them."""
        return "all" if self.one_by_one == self.parameters else grouped(self.one_by_one, self.parameters)


def measure(key: str) -> Coverage:
    """Take the Fisher of a member of FAMILIES on a few random images."""
    network = build_member(FAMILIES[key]).double()
    size = FAMILIES[key].size
    images = torch.randn(SAMPLES, 3, size, size, generator=torch.Generator().manual_seed(0)).double()
    labels = torch.arange(SAMPLES) % 3
    wanted = reference_fisher(network, images, labels)
    passes = Passes(network, SAMPLES)
    found = fisher(network, [(images, labels)])
    names = tuple(name for name, _ in network.named_parameters())
    known, moved = error(found, wanted), 0.0
    if known >= EXACT:
        moved = error(reference_fisher(network, images * (1 + torch.finfo(torch.float64).eps), labels), wanted)
    return Coverage(names, found.provenance.one_by_one, passes.after, known, moved)


def grouped(names: Sequence[str], known: Sequence[str]) -> str:
    """Tell modules that are named whole once, and names that differ by their numbers once, with the count.

    Args:
        names: To tell.
        known: All there are.

    Returns:
        Markdown.
    """
    others = {name.rpartition(".")[0] for name in set(known) - set(names)}
    parents = {name: name.rpartition(".")[0] for name in names}
    whole = {parent for parent in parents.values() if parent not in others}
    told = (f"{parent}.*" if parent in whole else name for name, parent in parents.items())
    groups = Counter(re.sub(r"(?<=\.)\d+(?=\.)", "*", name) for name in told)
    return ", ".join(f"`{name}`" + (f" ({count})" if count > 1 else "") for name, count in groups.items())
