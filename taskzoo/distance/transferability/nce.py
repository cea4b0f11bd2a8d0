"""Negative conditional entropy of the target's labels given the source's predicted classes."""

import numpy as np
from scipy.special import xlogy

from taskzoo.distance.transferability.arrays import Array, Labels


def nce(log_probabilities: Array, labels: Labels, classes: int) -> float:
    """Return sum_yz P(y, z) log P(y | z), z the source's most probable class.

    Source: Tran et al. 2019 (arXiv 1908.08142), equation 5.

    Args:
        log_probabilities: Of the source's classes, [N, Z].
        labels: Of the target.
        classes: C.

    Returns:
        From -log C to 0.
    """
    joint = np.zeros((classes, log_probabilities.shape[1]))
    np.add.at(joint, (labels, log_probabilities.argmax(1)), 1 / len(labels))
    return float(xlogy(joint, joint).sum() - xlogy(joint.sum(0), joint.sum(0)).sum())
