"""N-LEEP: LEEP with clusters of the features in place of the source's classes."""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from taskzoo.distance.transferability.arrays import Array, Labels
from taskzoo.distance.transferability.leep import leep_loo

KEPT = 0.8  # Share of variance.
SEEDS = 3


def nleep(features: Array, labels: Labels, classes: int) -> float:
    """Return leave-one-out LEEP over the components of Gaussian mixtures, the mean of several seeds.

    Source: Li et al. 2021 (arXiv 2102.07366), section 3; diagonal covariances, so that few images suffice.

    Args:
        features: Of the source's network.
        labels: Of the target.
        classes: C.

    Returns:
        0 at most.
    """
    if not np.ptp(features, 0).any():
        return leep_loo(np.zeros((len(labels), 1)), labels, classes)
    reduced = PCA(KEPT, svd_solver="full").fit_transform(features)
    components = round(max(min(classes, 0.2 * len(labels)), 0.1 * len(labels), 1))
    scores = []
    for seed in range(SEEDS):
        mixture = GaussianMixture(
            components, covariance_type="diag", reg_covar=1e-3 * float(reduced.var(0).mean()), random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(reduced)
        with np.errstate(divide="ignore"):
            scores.append(leep_loo(np.log(mixture.predict_proba(reduced)), labels, classes))
    return float(np.mean(scores))
