"""The shrunk H-score."""

from sklearn.covariance import ledoit_wolf_shrinkage

from taskzoo.distance.transferability.arrays import Array, Labels, class_means, spectrum


def hscore(features: Array, labels: Labels, classes: int) -> float:
    """Return (1 - s) tr(S^-1 cov(class means)), S the covariance shrunk by Ledoit and Wolf's s.

    Without shrinkage it is C - 1 for every network with more features than images.

    Source: Ibrahim et al. 2021 (arXiv 2110.06893), equation 8; Bao et al. 2019 without shrinkage.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C, not used.

    Returns:
        0 or more.
    """
    left, values, _ = spectrum(features)
    if not len(values):
        return 0.0
    shrinkage = float(ledoit_wolf_shrinkage(features))
    eigenvalues = values**2 / len(labels)
    mean = eigenvalues.sum() / features.shape[1]
    means, counts = class_means(left, labels)
    explained = (counts[:, None] * means**2).sum(0)
    kept = (1 - shrinkage) * eigenvalues / ((1 - shrinkage) * eigenvalues + shrinkage * mean)
    return float((explained * kept).sum())
