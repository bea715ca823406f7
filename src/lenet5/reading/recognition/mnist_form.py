"""The ink of one digit -> 28x28, as MNIST's own digits were prepared.

"The original black and white images were size normalized to fit in a 20x20 pixel box while preserving their aspect
ratio", anti-aliased, and "centered in a 28x28 image by computing the center of mass of the pixels, and translating the
image so as to position this point at the center" (LeCun 1998, p. 10). Measured on 20,000 training images: the longer
side of the ink is 20 in all but 3, and the centre of mass, counted from the first pixel's centre, lies within 13.5 to
14.5, so digits were moved by whole pixels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.data.pixels import blocks, extent, resampled
from lenet5.errors import ShapeError
from lenet5.reading.cleaning.grey import Float
from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.spec.digits import BOX, SIDE

CENTRE = SIDE // 2
# Ink below this does not widen the digit's box: for longer sides in pixels, the ink of each; between, in proportion.
# A pale border pixel is part of a small digit; of a large one it is the blur of an edge.
EDGES = ((24.0, 36.0), (0.06, 0.3))
THINNEST = 1.3  # px in the 20x20 box: thinner strokes are thickened, as no pen of MNIST's wrote
THICKENED_SIDE = 160  # px: larger digits are thickened at about this size
FULL_PERCENTILE = 80  # this much of the strokes is at most as dark as what becomes 255


def mnist_image(ink: Float) -> NDArray[np.uint8]:
    """Return (28, 28) uint8, 0 = background.

    ink  (H, W) 0..1, larger where there is more; only the digit, with any border

    Without ink all is 0. Raises ShapeError for another shape.
    """
    if ink.ndim != 2 or not ink.size:
        raise ShapeError(f"ink has shape {ink.shape}; expected (H, W), one digit.")
    cut = cropped(np.asarray(ink, np.float32))
    image = np.zeros((SIDE, SIDE), np.uint8)
    if not cut.size:
        return image
    small = np.rint(255 * np.clip(boxed(full(cut)), 0, 1)).astype(np.uint8)
    top, left = place(small)
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def cropped(ink: Float) -> Float:
    """Return the part that holds ink; (0, 0) without any."""
    there = ink > np.interp(max(ink.shape), *EDGES)
    return ink[extent(there)]


def full(ink: Float) -> Float:
    """Return the digit as dark as a digit of MNIST: its strokes reach 1."""
    strokes = ink[ink > 0.5 * ink.max()]
    darkened: Float = np.minimum(ink / np.float32(max(float(np.percentile(strokes, FULL_PERCENTILE)), 1e-3)), 1)
    return darkened


def boxed(ink: Float) -> Float:
    """Return a digit stretched so that its longer side is 20 pixels: the mean of the area that a pixel covers."""
    height, width = ink.shape
    scale = BOX / max(height, width)
    if scale < 1:
        ink = thickened(ink, scale)
    return resampled(
        ink.astype(np.float32, copy=False),
        max(1, round(height * scale)),
        max(1, round(width * scale)),
        "box" if scale <= 1 else "bicubic",
    )


def thickened(ink: Float, scale: float) -> Float:
    """Return the digit with strokes that stay visible at a scale; unchanged where they are as wide as a pen's."""
    wanted = THINNEST / scale
    wide = stroke_width(ink > 0.5)
    if wide >= wanted:
        return ink
    factor = max(ink.shape) // THICKENED_SIDE
    if factor > 1:  # the darkest of each block: thin strokes stay, and the disc below stays small
        ink = blocks(np.pad(ink, [(0, -length % factor) for length in ink.shape]), factor).max(axis=(1, 3))
        wanted, wide = wanted / factor, stroke_width(ink > 0.5)
    grown = round((wanted - wide) / 2)
    if grown < 1:
        return ink
    across = np.arange(-grown, grown + 1)
    disc = across[:, None] ** 2 + across**2 <= grown * (grown + 1)
    bold: Float = ndimage.grey_dilation(np.pad(ink, grown), footprint=disc)
    return bold


def place(small: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the row and column at which the 20x20 box's centre of mass comes to the middle, inside the image."""
    weights = small.astype(np.float64)
    total = weights.sum()
    corner = []
    for axis, length in enumerate(small.shape):
        middle = weights.sum(axis=1 - axis) @ np.arange(length) / total if total else (length - 1) / 2
        corner.append(int(np.clip(np.floor(CENTRE - middle + 0.5), 0, SIDE - length)))
    return corner[0], corner[1]
