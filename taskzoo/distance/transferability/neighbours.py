"""Nearest class mean and nearest neighbours, each image left out in turn."""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from taskzoo.distance.transferability.arrays import Array, Labels, centred, one_hot, unit_rows

NEIGHBOURS = 5


def centroid_loo(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean log probability of the own class by distance to the class means, image by image left out.

    Distances are squared, at the scale of the features: accuracy alone would take N + 1 values only.

    Args:
        features: Of the source's network.
        labels: Of the target; at least two classes, at least two images of each.
        classes: C.

    Returns:
        0 at most.
    """
    rows = centred(features)
    scale = np.square(rows).sum(1).mean()
    wanted = one_hot(labels, classes)
    counts = wanted.sum(0)
    if scale == 0:
        return -float(np.log((counts > 0).sum()))
    means = wanted.T @ rows / np.maximum(counts, 1)[:, None]
    distances = cdist(rows, means, "sqeuclidean")
    own = np.arange(len(labels)), labels
    distances[own] *= np.square(counts / np.maximum(counts - 1, 1))[labels]  # The mean without the image.
    distances[:, counts == 0] = np.inf
    scores = np.asarray(log_softmax(-distances / scale * np.sqrt(features.shape[1]), axis=1))
    return float(scores[own].mean())


def knn_loo(features: Array, labels: Labels, classes: int) -> float:
    """Return the mean share of the own class among the nearest other images, by cosine; ties share the last places.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C, not used.

    Returns:
        In [0, 1].
    """
    rows = unit_rows(features)
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    places = min(NEIGHBOURS, len(labels) - 1)
    last = -np.partition(-likeness, places - 1, axis=1)[:, places - 1 : places]
    nearer, tied = likeness > last, likeness == last
    shares = nearer + tied * (places - nearer.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)
    return float((shares * (labels == labels[:, None])).sum(1).mean()) / places
