"""All measures of the benchmark: functions of a view and of the target's own network; higher is better."""

from collections.abc import Callable

import numpy as np

from benchmarks.transfer.logme_usual import logme_usual
from benchmarks.transfer.view import Trained, View
from taskzoo.distance.fisher_frobenius import fisher_frobenius
from taskzoo.distance.fisher_kernel import fisher_kernel
from taskzoo.distance.fisher_relative import fisher_relative
from taskzoo.distance.ftd import ftd
from taskzoo.distance.ftd_layerwise import ftd_layerwise
from taskzoo.distance.kernel_regression import log_evidence, loo_r2
from taskzoo.distance.lfc import lfc
from taskzoo.distance.logdet import logdet
from taskzoo.distance.ridge_loo import ridge_loo
from taskzoo.distance.transferability.arrays import one_hot
from taskzoo.distance.transferability.gbc import gbc
from taskzoo.distance.transferability.hscore import hscore
from taskzoo.distance.transferability.label_correlation import label_correlation
from taskzoo.distance.transferability.leep import leep, leep_loo
from taskzoo.distance.transferability.logme import logme
from taskzoo.distance.transferability.nce import nce
from taskzoo.distance.transferability.neighbours import centroid_loo, knn_loo
from taskzoo.distance.transferability.nleep import nleep
from taskzoo.distance.transferability.sfda import sfda
from taskzoo.distance.transferability.tas import tas
from taskzoo.distance.transferability.task2vec import task2vec, task2vec_asymmetric
from taskzoo.distance.transferability.transrate import transrate
from taskzoo.fisher.observation import Observation

Score = Callable[[View, Observation], float]


def log_trace(view: View) -> float:
    """Return minus the log of the Fisher's trace."""
    return -float(np.log(sum(value.sum() for value in view.seen.diagonal.values())))


OF_FEATURES: dict[str, Callable[..., float]] = {
    each.__name__: each for each in (nleep, logme, logme_usual, hscore, transrate, sfda, gbc, centroid_loo, knn_loo)
}
MEASURES: dict[str, Score] = {
    "fisher_kernel": lambda v, own: fisher_kernel(v.seen, own),
    "fisher_kernel_loo": lambda v, _: float(loo_r2(v.both_kernels, one_hot(v.few_labels, v.classes)).max()),
    "fisher_kernel_alone": lambda v, _: log_evidence(v.gradient_kernel, one_hot(v.few_labels, v.classes)),
    "fisher_kernel_alone_loo": lambda v, _: float(loo_r2(v.gradient_kernel, one_hot(v.few_labels, v.classes)).max()),
    "features_evidence": lambda v, _: log_evidence(v.feature_kernel, one_hot(v.labels, v.classes)),
    "ridge_loo": lambda v, own: ridge_loo(v.seen, own),
    "lfc": lambda v, own: lfc(v.seen, own),
    "lgc": lambda v, _: label_correlation(v.gradient_gram, one_hot(v.few_labels, v.classes)),
    "lgc_per_tensor": lambda v, _: label_correlation(v.gradient_kernel, one_hot(v.few_labels, v.classes)),
    "ftd": lambda v, own: -ftd(v.seen, own),
    "ftd_layerwise": lambda v, own: -ftd_layerwise(v.seen, own),
    "fisher_relative": lambda v, own: -fisher_relative(v.seen, own),
    "logdet": lambda v, own: -logdet(v.seen, own),
    "fisher_frobenius": lambda v, own: -fisher_frobenius(v.seen, own),
    "fisher_trace": lambda v, _: log_trace(v),
}


OF_TRAINED: dict[str, Callable[[View, Trained], float]] = {
    "leep": lambda v, source: leep(source.log_probabilities, v.labels, v.classes),
    "leep_loo": lambda v, source: leep_loo(source.log_probabilities, v.labels, v.classes),
    "nce": lambda v, source: nce(source.log_probabilities, v.labels, v.classes),
    "tas": lambda _, source: -tas(*source.affinity),
    "task2vec": lambda _, source: -task2vec(*source.embeddings),
    "task2vec_asymmetric": lambda _, source: -task2vec_asymmetric(*source.embeddings),
}
NAMES = [*MEASURES, *OF_FEATURES, *OF_TRAINED]


def scores(view: View, own: Observation) -> dict[str, float]:
    """Return all measures of a source by name; see ``score``."""
    return {name: score(name, view, own) for name in NAMES}


def score(name: str, view: View, own: Observation) -> float:
    """Return a measure of a source; NaN where it needs classes and images of its own, and the initial state has none.

    Args:
        name: The measure.
        view: Of the source on the target's images.
        own: The target's own network on the same images.

    Returns:
        Higher is better.
    """
    if name in MEASURES:
        return MEASURES[name](view, own)
    if name in OF_FEATURES:
        return OF_FEATURES[name](view.features, view.labels, view.classes)
    return float("nan") if view.trained is None else OF_TRAINED[name](view, view.trained)
