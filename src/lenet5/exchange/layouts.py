"""Conversion of arrays from the layouts of other programs to PyTorch's, which is ours."""

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]
Flattened = Literal["maps", "places"]
FIRST_OF_KERAS = (5, 5, 1, 6)  # C1 as height, width, in, out


def uniform(arrays: Arrays) -> tuple[Arrays, bool]:
    """Return arrays under names with dots, kernels as (out, in, height, width), matrices as (units, inputs).

    Also return whether they were in Keras' layout, (height, width, in, out) and (inputs, units), judging by C1.
    """
    named = {re.sub(r":\d+$", "", name).replace("/", "."): array for name, array in arrays.items()}
    if not any(array.shape == FIRST_OF_KERAS for array in named.values()):
        return named, False
    turned = {4: (3, 2, 0, 1), 2: (1, 0)}
    return {
        name: np.ascontiguousarray(array.transpose(turned[array.ndim])) if array.ndim in turned else array
        for name, array in named.items()
    }, True
