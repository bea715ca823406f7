"""Removal of batch normalisation and dropout for inference.

At inference batch normalisation is one factor and one shift for each map and can be folded into the layer before it
(Jacob et al. 2018, section 3.2); dropout does nothing. The scores are unchanged up to rounding.
"""

import numpy as np

from lenet5.engines.contract import Float, Weights
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import VARIANCE_FLOOR, BatchNormalization, Dropout


def for_use(architecture: Architecture, weights: Weights) -> tuple[Architecture, Weights]:
    """Return the architecture without batch normalisation and dropout, and its weights, float32."""
    folded = dict(weights)
    for before, placed in zip(architecture.placed, architecture.placed[1:], strict=False):
        if isinstance(placed.layer, BatchNormalization):
            weight, bias, mean, variance = (folded.pop(name).astype(np.float64) for name in placed.parameter_shapes)
            factor: Float = weight / np.sqrt(variance + VARIANCE_FLOOR)
            kernels, shift = (folded[name].astype(np.float64) for name in before.parameter_shapes)
            of_kernels, of_shift = before.parameter_shapes
            folded[of_kernels] = (kernels * factor.reshape(-1, *[1] * (kernels.ndim - 1))).astype(np.float32)
            folded[of_shift] = ((shift - mean) * factor + bias).astype(np.float32)
    layers = tuple(layer for layer in architecture.layers if not isinstance(layer, BatchNormalization | Dropout))
    return Architecture(input=architecture.input, layers=layers), folded
