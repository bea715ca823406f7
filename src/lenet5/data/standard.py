"""The other two forms in which the 1998 paper has its digits: deslanted, and reduced to 16x16 pixels (p. 10).

Both stay images of 28x28, so that every recipe can take them: the deslanted digits fill the middle 20x20 pixels, what
reaches beyond is cut off; the reduced ones the middle 16x16. A preparation with negative padding leaves the rest out.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.distort import KINDS, REACH, affine
from lenet5.data.warp import warp
from lenet5.spec.digits import BOX, SIDE

Pixels = NDArray[np.uint8]
SMALL_BOX = 16  # px: the square that the digits fill in the smaller form
CHUNK = 5000  # images at a time, so that memory stays bounded


def deslanted(images: Pixels) -> Pixels:
    """Return images (N, 28, 28) sheared horizontally so that the principal axis is vertical, cut to the middle 20x20.

    Blank images stay as they are.
    """
    return _cut(_changed(images, shearing=-slants(images)), BOX)


def reduced(images: Pixels) -> Pixels:
    """Return images (N, 28, 28) whose digits are 16/20 as large, so that they fill the middle 16x16."""
    return _changed(images, scaling=np.full(len(images), SMALL_BOX / BOX - 1))


def slants(images: Pixels) -> NDArray[np.float64]:
    """Return how many columns each image leans to the right per line upwards, from its second moments: (N,)."""
    found = np.zeros(len(images))
    line = np.arange(SIDE, dtype=np.float64)
    for begin in range(0, len(images), CHUNK):
        ink = images[begin : begin + CHUNK].astype(np.float64)
        total = np.maximum(ink.sum((1, 2)), 1)
        by_row, by_column = ink.sum(2), ink.sum(1)
        y, x = by_row @ line / total, by_column @ line / total
        yy = by_row @ line**2 / total - y**2
        xy = np.einsum("nhw,h,w->n", ink, line, line, optimize=True) / total - x * y
        found[begin : begin + CHUNK] = np.where(yy > 0, -xy / np.where(yy > 0, yy, 1), 0)
    return found


def _changed(images: Pixels, **amounts: NDArray[np.float64]) -> Pixels:
    parameters = np.zeros((len(images), len(KINDS)))
    for kind, amount in amounts.items():
        parameters[:, KINDS.index(kind)] = amount
    return warp(images, affine(parameters), None, REACH)


def _cut(images: Pixels, side: int) -> Pixels:
    edge = (SIDE - side) // 2
    inside = slice(edge, edge + side)
    result = np.zeros_like(images)
    result[:, inside, inside] = images[:, inside, inside]
    return result
