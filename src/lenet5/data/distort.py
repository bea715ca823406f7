"""Distorted copies of images: planar affine transformations (1998 paper, p. 11), and bending.

The amplitudes are in a `spec.distortion.Distortion`; `batches.py` chooses the copies that an epoch shows, and `warp.py`
computes their pixels.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.warp import warp
from lenet5.spec.digits import SIDE
from lenet5.spec.distortion import Distortion

KINDS = ("right", "down", "scaling", "squeezing", "shearing", "rotation")
MIDDLE = (SIDE - 1) / 2  # px, where distorting leaves a point in its place
NODE_SPACING = 7.0  # px between the nodes of a bend; what they move is then as smooth as a Gaussian of 4 px
PLACE = 65536  # units of a position to a pixel
BEND = 256  # units of a bend to a pixel


def drawn(distortion: Distortion, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the parameters of one distorted copy of each image: (count, 6), in the order of `KINDS`.

    Each is drawn uniformly between minus and plus its amplitude.
    """
    amplitudes = (
        distortion.translation,
        distortion.translation,
        distortion.scaling,
        distortion.squeezing,
        distortion.shearing,
        distortion.rotation,
    )
    return random.uniform(-1, 1, (count, len(KINDS))) * amplitudes


def drawn_bends(distortion: Distortion, count: int, random: np.random.Generator) -> NDArray[np.int32] | None:
    """Return the displacements of each copy's nodes, (count, 2, G, G), drawn uniformly; None without bending."""
    if not distortion.bending:
        return None
    most = round(distortion.bending * BEND)
    nodes = REACH.shape[1]
    return random.integers(-most, most, (count, 2, nodes, nodes), np.int32, endpoint=True)


def affine(parameters: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return where the pixels of distorted copies are looked up: (N, 6), as `warp` takes it.

    parameters  (N, 6), the columns as in `KINDS`: `right` and `down` in pixels, `rotation` in degrees, the others are
                shares; all 0 changes nothing

    Seen from the middle, with x to the right and y down, ink at (x, y) goes to (X, Y):

        X' = (1 + scaling) (1 + squeezing) x - shearing Y'
        Y' = (1 + scaling) / (1 + squeezing) y
        (X, Y) = (right, down) + (X', Y') turned by `rotation`, clockwise

    so `scaling` > 0 enlarges, `squeezing` > 0 widens and flattens, and `shearing` > 0 leans to the right, as italics
    do. Each pixel (X, Y) looks up its ink at the (x, y) that solves this.
    """
    right, down, scaling, squeezing, shearing, rotation = parameters.T
    cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    narrower, lower = 1 / ((1 + scaling) * (1 + squeezing)), (1 + squeezing) / (1 + scaling)
    x_by_column, x_by_row = narrower * (cosine - shearing * sine), narrower * (sine + shearing * cosine)
    y_by_column, y_by_row = -lower * sine, lower * cosine
    x_first = MIDDLE - x_by_column * (MIDDLE + right) - x_by_row * (MIDDLE + down)
    y_first = MIDDLE - y_by_column * (MIDDLE + right) - y_by_row * (MIDDLE + down)
    places = np.stack([x_first, x_by_column, x_by_row, y_first, y_by_column, y_by_row], axis=1)
    whole: NDArray[np.int32] = np.rint(places * PLACE).astype(np.int32)
    return whole


def _reach() -> NDArray[np.int32]:
    """Return how much of each node's bend reaches each line of pixels: cubic B-splines, (28, G)."""
    nodes = np.arange(-1, SIDE // NODE_SPACING + 2) * NODE_SPACING
    away = np.abs(np.arange(SIDE)[:, None] + 0.5 - nodes) / NODE_SPACING
    near, far = 2 / 3 - away**2 + away**3 / 2, (2 - away) ** 3 / 6
    shares: NDArray[np.int32] = np.rint(BEND * np.where(away < 1, near, np.where(away < 2, far, 0))).astype(np.int32)
    return shares


REACH = _reach()


def moved(images: NDArray[np.uint8], **amounts: NDArray[np.float64] | float) -> NDArray[np.uint8]:
    """Return images (N, 28, 28) distorted by amounts: of each kind in `KINDS` one number, or one for each image."""
    parameters = np.zeros((len(images), len(KINDS)))
    for kind, amount in amounts.items():
        parameters[:, KINDS.index(kind)] = amount
    return warp(images, affine(parameters), None, REACH)
