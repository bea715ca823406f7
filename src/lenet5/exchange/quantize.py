"""Quantization of weights to 8 bits: integers -127..127, with one step for each map or unit.

    weight[k] = step[k] * number[k],   step[k] = max |weight[k]| / 127

Only the weights of convolutions and dense layers are quantized; activations stay float. Choosing the steps needs no
images, and the only error is the rounding of the weights, at most half a step each.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.models.model import Model
from lenet5.spec.layers import Convolution, Dense

LARGEST = 127


def in_int8(weight: Float) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a weight (K, ...) as integers of the same shape, and the step (K,) of each map or unit."""
    step = (np.abs(weight).reshape(len(weight), -1).max(axis=1) / LARGEST).astype(np.float32)
    wide = np.where(step > 0, step, 1).reshape(-1, *[1] * (weight.ndim - 1))
    return np.rint(weight / wide).clip(-LARGEST, LARGEST).astype(np.int8), step


def rounded(model: Model) -> Model:
    """Return the model with its weights rounded to 8 bits, which predicts like the quantized export."""
    weights = dict(model.weights)
    for placed in model.architecture.placed:
        if isinstance(placed.layer, Convolution | Dense):
            name = f"{placed.name}.weight"
            numbers, step = in_int8(weights[name])
            weights[name] = numbers * step.reshape(-1, *[1] * (numbers.ndim - 1))
    return replace(model, weights=weights)
