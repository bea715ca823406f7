"""Batch normalisation in foreign weights: detected by its names, and folded into the adjacent layers.

At inference it is one factor and one shift for each map. Before the activation it is folded into the preceding layer;
after it, into the next layer with weights, which is possible because that layer pads nothing and the shift is therefore
the same everywhere.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Weights
from lenet5.errors import ModelError

Arrays = dict[str, NDArray[np.float32]]
Normalized = Literal["before", "after"]
PARTS = {
    "weight": ("weight", "gamma", "scale"),
    "bias": ("bias", "beta", "shift"),
    "mean": ("running_mean", "moving_mean", "mean"),
    "variance": ("running_var", "moving_variance", "variance", "var"),
    "epsilon": ("epsilon",),
}
LAYERS = {6: "C1", 16: "C3", 120: "C5", 84: "F6"}  # by maps or units
NEXT = {"C1": "C3", "C3": "C5", "C5": "F6", "F6": "output"}


@dataclass(frozen=True)
class Norm:
    """A factor and a shift for each map or unit, float64: y = factor x + shift."""

    factor: NDArray[np.float64]
    shift: NDArray[np.float64]


def parted(arrays: Arrays, epsilon: float) -> tuple[Arrays, dict[str, Norm]]:
    """Return the other arrays, and batch normalisation by the layer whose outputs it scales.

    epsilon  added to a variance, unless the file contains the value

    Raises ModelError when it is incomplete, a variance is negative, or no layer, or one twice, has its size.
    """
    left, norms = dict(arrays), {}
    for name in arrays:
        group, _, last = name.rpartition(".")
        if last not in PARTS["mean"] + PARTS["variance"] or name not in left:
            continue
        own = {
            part: left.pop(key)
            for part, words in PARTS.items()
            for key in (f"{group}.{word}".lstrip(".") for word in words)
            if key in left
        }
        if not {"mean", "variance"} <= own.keys():
            raise ModelError(f"batch normalisation {group} lacks a mean or a variance.")
        own.setdefault("epsilon", np.array(epsilon, np.float32))
        units = own["mean"].size
        if any(array.shape != (units,) for part, array in own.items() if part != "epsilon"):
            raise ModelError(f"batch normalisation {group} has arrays of several shapes.")
        if units not in LAYERS or LAYERS[units] in norms:
            raise ModelError(f"batch normalisation {group} of {units} maps: LeNet-5 has no layer for it, or only one.")
        if own["variance"].min() < 0 or own["epsilon"].size != 1 or not 0 < own["epsilon"].item() <= 1:
            raise ModelError(f"batch normalisation {group} has a negative variance, or an invalid epsilon.")
        factor = 1 / np.sqrt(own["variance"].astype(np.float64) + own["epsilon"].item())
        factor = factor * own.get("weight", np.ones(units, np.float32))
        norms[LAYERS[units]] = Norm(factor, own.get("bias", np.zeros(units, np.float32)) - own["mean"] * factor)
    return left, norms


def folded(weights: Weights, norms: dict[str, Norm], normalized: Normalized) -> Weights:
    """Return float32 weights with batch normalisation folded in. Raises ModelError when that is impossible."""
    wide = {name: array.astype(np.float64) for name, array in weights.items()}
    for layer, norm in norms.items():
        if normalized == "before":
            kernels = wide[f"{layer}.weight"]
            wide[f"{layer}.weight"] = kernels * norm.factor.reshape(-1, *[1] * (kernels.ndim - 1))
            wide[f"{layer}.bias"] = wide[f"{layer}.bias"] * norm.factor + norm.shift
            continue
        target = NEXT[layer]
        if f"{target}.weight" not in wide:
            raise ModelError(f"batch normalisation after {layer} cannot be folded into an output of fixed codes.")
        kernels = wide[f"{target}.weight"]
        by_map = kernels.reshape(len(kernels), len(norm.factor), -1)  # (out, in, positions)
        wide[f"{target}.bias"] = wide[f"{target}.bias"] + (by_map * norm.shift[:, None]).sum(axis=(1, 2))
        wide[f"{target}.weight"] = (by_map * norm.factor[:, None]).reshape(kernels.shape)
    return {name: array.astype(np.float32) for name, array in wide.items()}
