"""Connection tables as arrays, the same for every engine."""

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.layers import Convolution


def connection_mask(placed: PlacedLayer) -> NDArray[np.float32] | None:
    """Return (maps out, maps in), 1 where two maps are connected and 0 elsewhere; None when all are connected."""
    if not isinstance(placed.layer, Convolution) or placed.layer.table == "full":
        return None
    inputs = placed.input_shape[0]
    mask = np.zeros((placed.layer.maps, inputs), np.float32)
    for row, seen in zip(mask, placed.layer.maps_seen(inputs), strict=True):
        row[list(seen)] = 1
    return mask
