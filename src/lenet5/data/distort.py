"""Distorted copies of images: planar affine transformations (1998 paper, section III-A, p. 11).

How far they go is said by a `spec.distortion.Distortion`; which of them an epoch shows, by `batches.py`.
Legend: N images, S side of an image, B side with its border.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import SIDE
from lenet5.errors import ShapeError
from lenet5.spec.distortion import Distortion

KINDS = ("right", "down", "scaling", "squeezing", "shearing")
MIDDLE = (SIDE - 1) / 2  # px, where distorting leaves a point in its place
# 60,000 images take 0.5 s in chunks of 64 (2.5 MB), and 2.0 s in chunks of 256: those arrays are so large that malloc
# gives their pages back each time, 500,000 page faults (AMD EPYC, glibc, one thread, November 2026).
CHUNK = 64


def drawn(distortion: Distortion, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the parameters of one distorted copy of each image: (count, 5), in the order of `KINDS`.

    Each lies evenly between minus and plus its amplitude. The paper names the kinds and not the amplitudes.
    """
    amplitudes = (
        distortion.translation,
        distortion.translation,
        distortion.scaling,
        distortion.squeezing,
        distortion.shearing,
    )
    return random.uniform(-1, 1, (count, len(KINDS))) * amplitudes


def distorted(images: NDArray[np.uint8], parameters: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the images moved, scaled, squeezed and sheared (1998 paper, section III-A, p. 11).

    images      (N, 28, 28) uint8, 0 = background, also all around an image
    parameters  (N, 5), the columns as in `KINDS`: `right` and `down` in pixels, the others are shares; all 0 changes
                nothing

    Seen from the middle, with x to the right and y down, ink at (x, y) goes to (X, Y):

        X = right + (1 + scaling) (1 + squeezing) x - shearing (Y - down)
        Y = down  + (1 + scaling) / (1 + squeezing) y

    so `scaling` > 0 enlarges, `squeezing` > 0 widens and flattens, and `shearing` > 0 leans to the right, as italics
    do. Each pixel (X, Y) looks up its ink at the (x, y) that solves this, between four pixels (bilinear).

    Returns (N, 28, 28) uint8, rounded to the nearest. Raises ShapeError for other images or parameters.
    """
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise ShapeError(f"images are {images.dtype} {images.shape}; expected uint8 (N, {SIDE}, {SIDE}).")
    if parameters.shape != (len(images), len(KINDS)):
        raise ShapeError(f"parameters have shape {parameters.shape}; expected {(len(images), len(KINDS))}.")
    result = np.empty(images.shape, np.uint8)
    for begin in range(0, len(images), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        result[chunk] = _distorted(images[chunk], parameters[chunk])
    return result


def _distorted(images: NDArray[np.uint8], parameters: NDArray[np.float64]) -> NDArray[np.uint8]:
    right, down, scaling, squeezing, shearing = parameters.T[..., None]  # each (N, 1)
    below = np.arange(SIDE) - MIDDLE - down  # (N, S): Y - down
    narrower = 1 / ((1 + scaling) * (1 + squeezing))
    y = below * (1 + squeezing) / (1 + scaling) + MIDDLE
    x_of_first = narrower * (shearing * below - right - MIDDLE) + MIDDLE  # (N, S): x where X is the first pixel

    bordered = np.zeros((len(images), SIDE + 2, SIDE + 2), np.float32)
    bordered[:, 1:-1, 1:-1] = images
    # y depends on Y alone, so bilinear is whole lines first, then pixels in a line: two look-ups each, not four.
    lines = _between(bordered, y.astype(np.float32) + 1)  # (N, S, B)
    step = narrower.astype(np.float32)[..., None]
    x = step * np.arange(SIDE, dtype=np.float32) + x_of_first.astype(np.float32)[..., None]  # (N, S, S)
    pixels = _between(lines.reshape(-1, SIDE + 2), x.reshape(-1, SIDE) + 1)
    return (pixels + np.float32(0.5)).astype(np.uint8).reshape(images.shape)


def _between(values: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Read each row of `values` (n, B, ...) at `places` (n, m) between its elements, linearly: (n, m, ...).

    The outermost elements of a row are border, all 0, and what lies beyond them is 0 too.
    """
    n, B = values.shape[:2]
    places = places.clip(0, B - 1)
    whole = np.floor(places)
    share = (places - whole).reshape(*places.shape, *(1 for _ in values.shape[2:]))
    index = whole.astype(np.intp) + np.arange(0, n * B, B)[:, None]
    flat = values.reshape(n * B, *values.shape[2:])
    before = flat.take(index, axis=0)
    after = flat.take(index + 1, axis=0, mode="clip")  # after a row's last comes the next row's border, or itself: 0
    result: NDArray[np.float32] = before + share * (after - before)
    return result
