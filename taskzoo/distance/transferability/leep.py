"""LEEP: how well the source's own classes predict the target's labels."""

import numpy as np
from scipy.special import logsumexp

from taskzoo.distance.transferability.arrays import Array, Labels, one_hot

PSEUDO = 1e-3  # Of an image, of all labels alike, that each source class is taken to have seen before the first.


def leep(log_probabilities: Array, labels: Labels, classes: int) -> float:
    """Return the mean of log sum_z P(y | z) p(z | x), P fitted on the same images.

    Source: Nguyen et al. 2020 (arXiv 2002.12462), equation 2. It grows with the number of source classes.

    Args:
        log_probabilities: Of the source's classes z, [N, Z].
        labels: Of the target.
        classes: C.

    Returns:
        0 at most.
    """
    joint = one_hot(labels, classes).T @ np.exp(log_probabilities)
    with np.errstate(divide="ignore"):
        # A source class that no image can be of stays at zero.
        log_conditional = np.log(joint / np.maximum(joint.sum(0), np.finfo(np.float64).tiny))
    return float(logsumexp(log_conditional[labels] + log_probabilities, axis=1).mean())


def leep_loo(log_probabilities: Array, labels: Labels, classes: int) -> float:
    """Return the same with P fitted without the image that is scored: more source classes do not help by chance.

    Args:
        log_probabilities: Of the source's classes z, [N, Z].
        labels: Of the target.
        classes: C.

    Returns:
        0 at most.
    """
    probabilities = np.exp(log_probabilities)
    joint = one_hot(labels, classes).T @ probabilities + PSEUDO / classes
    own = joint[labels] - probabilities
    conditional = own / (joint.sum(0) - probabilities)
    return float(np.log(np.maximum((conditional * probabilities).sum(1), np.finfo(np.float64).tiny)).mean())
