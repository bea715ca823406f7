"""Weights on a grid: small integers times a power of two for each map or unit, and one for all units of the last layer.

    weight[k] = 2^exponent[k] * number[k],   |number[k]| <= 127 (int8) or 7 (int4)

Powers of two let a network in integers compute with shifts; see `exchange/integers.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float, Weights
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Convolution, Dense

LARGEST_NUMBER = {"int8": 127, "int4": 7}
LEAST_EXPONENT = -100  # of maps that are all but zero


def exponents(weight: Float, largest_number: int, *, together: bool = False) -> NDArray[np.int64]:
    """Return the exponent (K,) of each map of a weight (K, ...).

    Of the least exponent with which no number is clipped, and the one below, that with the smaller squared error.

    together  one exponent for all maps
    """
    rows = weight.astype(np.float64).reshape(1 if together else len(weight), -1)
    with np.errstate(divide="ignore"):  # maps of zeros
        widest = np.ceil(np.log2(np.abs(rows).max(axis=1) / largest_number)).clip(LEAST_EXPONENT)
    errors = [
        ((numbers(rows, e, largest_number) * 2.0 ** e[:, None] - rows) ** 2).sum(axis=1) for e in (widest, widest - 1)
    ]
    found = np.where(errors[1] < errors[0], widest - 1, widest).astype(np.int64)
    return np.broadcast_to(found, len(weight))


def numbers(weight: Float, exponent: NDArray[Any], largest_number: int) -> Float:
    """Return the integers of a weight (K, ...) with exponents (K,)."""
    wide = 2.0 ** exponent.reshape(-1, *[1] * (weight.ndim - 1))
    found: Float = np.rint(weight / wide).clip(-largest_number, largest_number)
    return found


def rounded(architecture: Architecture, weights: Weights, kind: str) -> Weights:
    """Return the weights with those of convolutions and dense layers on the grid; biases stay as they are.

    kind  "int8" or "int4"
    """
    found, largest = dict(weights), LARGEST_NUMBER[kind]
    for placed in architecture.placed:
        if isinstance(placed.layer, Convolution | Dense):
            weight = weights[name := f"{placed.name}.weight"]
            e = exponents(weight, largest, together=placed is architecture.placed[-1])
            steps = 2.0 ** e.reshape(-1, *[1] * (weight.ndim - 1))
            found[name] = (numbers(weight, e, largest) * steps).astype(weight.dtype)
    return found
