"""The Fisher kernel: how well linearised fine-tuning from a source would predict the target's labels.

The Gram matrix of per-sample gradients is the dual of the empirical Fisher: both have the same non-zero spectrum. So
this is an asymmetric Fisher task distance in function space, which asks what the source's network can still learn,
where the diagonal asks which weights matter.
"""

import math

from taskzoo.distance.kernel_regression import log_evidence, unit
from taskzoo.distance.protocol import Measure
from taskzoo.fisher.observation import Observation


def fisher_kernel(ab: Observation, bb: Observation) -> float:
    """Return the log evidence of the target's labels under the kernel of the source's features and gradients.

    ``bb`` is not used: the measure asks nothing of the target's own network.

    Args:
        ab: Source's network on the target.
        bb: Target's own network on the target.

    Returns:
        Per sample; higher is closer.
    """
    gram = ab.gram.double().numpy()
    features = ab.features[: len(gram)].double().numpy()
    return log_evidence(unit(features @ features.T) + unit(gram), ab.responses[: len(gram)])


FISHER_KERNEL = Measure(
    name="fisher_kernel",
    function=lambda pair: fisher_kernel(pair.ab, pair.bb),
    symmetric=False,
    lower_is_closer=False,
    needs=frozenset({"gradients", "features", "labels"}),
    dense=True,
    range=(-math.inf, math.inf),
    source="Gaussian-process evidence with the empirical Fisher's dual (tangent kernel), every tensor alike",
)
