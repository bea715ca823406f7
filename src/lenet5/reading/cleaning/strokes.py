"""Width of pen strokes, measured on a mask of ink."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def stroke_width(ink: NDArray[np.bool_]) -> float:
    """Return the width of strokes in pixels, from the mean distance to their sides; 0 without any."""
    if not ink.any():
        return 0.0
    distances = ndimage.distance_transform_edt(np.pad(ink, 1))
    # Across a stroke w wide the distances rise evenly from 1 to (w + 1) / 2: their mean is about (w + 2) / 4.
    return max(1.0, 4 * float(distances[distances > 0].mean()) - 2)
