"""A bound on the numbers that a network can compute for any image, to rule out float32 overflow."""

from collections.abc import Mapping

import numpy as np

from lenet5.engines.contract import Float
from lenet5.errors import ModelError
from lenet5.spec import layers as plan
from lenet5.spec.architecture import Architecture
from lenet5.spec.preparation import Preparation

LARGEST = 1e30  # the maximum of float32, 3.4e38, with a margin for sums of squares and exponentials
BOUNDED = {"tanh": 1.0, "sigmoid": 1.0, "scaled_tanh": 1.7159}


def check_range(architecture: Architecture, weights: Mapping[str, Float], preparation: Preparation) -> None:
    """Raise ModelError when an input between background and ink could overflow float32.

    Propagates a bound on absolute values from layer to layer; the bound of a sum is the sum of the bounds.
    """
    bound = float(max(abs(preparation.background), abs(preparation.ink)))
    for placed in architecture.placed:
        own = {name.split(".")[1]: weights[name].astype(np.float64) for name in placed.parameter_shapes}
        match placed.layer:
            case plan.Convolution() | plan.Dense():
                sums = np.abs(own["weight"]).reshape(len(own["weight"]), -1).sum(axis=1)
                bound = float((bound * sums + np.abs(own["bias"])).max())
            case plan.Subsample(size=size):
                bound = float((bound * size**2 * np.abs(own["coefficient"]) + np.abs(own["bias"])).max())
            case plan.BatchNormalization():
                if own["variance"].min() < 0:
                    raise ModelError(f"{placed.name}.variance contains a negative number.")
                factor = np.abs(own["weight"]) / np.sqrt(own["variance"] + plan.VARIANCE_FLOOR)
                bound = float((factor * (bound + np.abs(own["mean"])) + np.abs(own["bias"])).max())
            case plan.Rbf(factor=factor_of_square):
                bound = factor_of_square * placed.input_shape[0] * (bound + 1) ** 2
            case plan.Activation(function=function):
                bound = BOUNDED.get(function, bound)
        if bound > LARGEST:
            raise ModelError(f"the weights up to {placed.name} are so large that its outputs can overflow float32.")
