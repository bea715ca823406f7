"""Scoring of a line: the windows of a network's input size that begin at each column (LeCun 1998, section VII).

The layers before `Flatten` run once over the whole line, and those after it on each column of their result. That gives
the windows whose distance is the product of the sizes of the pools; further runs, each a column further, give those
between. The last convolution must go down to one row and one column, and no convolution may pad: a window's zeros are
not those of the line.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from lenet5.engines.contract import Float
from lenet5.errors import ModelError, ShapeError
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import AveragePool, Convolution, Flatten, MaxPool, Subsample


def check_line(architecture: Architecture, line: Float) -> None:
    """Raise ShapeError for a line that does not fit an architecture, ModelError for one that cannot be slid."""
    for placed in architecture.placed:
        if isinstance(placed.layer, Convolution) and placed.layer.padding:
            raise ModelError(f"{placed.name} pads its input; a line is read by networks without padding inside.")
        if isinstance(placed.layer, Flatten) and placed.input_shape[1:] != (1, 1):
            raise ModelError(
                f"{placed.input_shape[1]} rows are left before the dense layers; a line needs a convolution down to "
                "one, as C5 is in the recipe space-displacement."
            )
    maps, height, width = architecture.input
    if line.ndim != 3 or line.shape[:2] != (maps, height) or line.shape[2] < width:
        raise ShapeError(f"a line has shape {line.shape}; this network needs ({maps}, {height}, {width} or more).")


def column_step(architecture: Architecture) -> int:
    """Return the number of columns between two windows of one run."""
    pools = (layer.size for layer in architecture.layers if isinstance(layer, AveragePool | MaxPool | Subsample))
    return prod(pools)


def at_every_column(slide: Callable[[Float], Float], architecture: Architecture, line: Float) -> Float:
    """Return the scores of the windows of a line, from one run for each column between those of a run.

    slide  returns the scores (places, classes) of the windows of a line (maps, H, L') of one run
    """
    check_line(architecture, line)
    width, step = architecture.input[2], column_step(architecture)
    scores = np.empty((line.shape[2] - width + 1, architecture.classes), line.dtype)
    for shift in range(min(step, len(scores))):
        part = line[:, :, shift:]
        scores[shift::step] = slide(part[:, :, : width + (part.shape[2] - width) // step * step])
    return scores
