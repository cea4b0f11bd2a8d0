"""Observations made by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from taskzoo.fisher.observation import Observation
from taskzoo.fisher.summary import FisherProvenance


def observation(
    fisher: Mapping[str, object] | None = None,
    features: object = ((0.0,), (1.0,)),
    labels: Sequence[int] = (0, 1),
    source: str = "a",
    target: str = "b",
    repeat: int = 0,
    fingerprint: str = "f",
    gram: object | None = None,
    pixels: object | None = None,
) -> Observation:
    """Make an observation of the given values."""
    seen = torch.as_tensor(np.asarray(features, dtype=np.float32))
    return Observation(
        fisher={
            name: torch.as_tensor(np.asarray(value, dtype=np.float64))
            for name, value in (fisher or {"w": [1.0]}).items()
        },
        features=seen,
        pooled=seen,
        pixels=torch.zeros(len(labels), 7) if pixels is None else torch.as_tensor(np.asarray(pixels)).float(),
        gram=torch.eye(len(labels)) if gram is None else torch.as_tensor(np.asarray(gram, dtype=np.float32)),
        labels=torch.tensor(labels),
        classes=max(labels) + 1,
        provenance=FisherProvenance(
            fingerprint=fingerprint,
            source=source,
            target=target,
            target_digest=f"digest of {target}",
            repeat=repeat,
            labels="data",
            images=2,
            head_images=len(labels),
            dtype="float32",
        ),
    )
