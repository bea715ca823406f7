"""Distorted copies of images, in integer arithmetic: the same bytes from NumPy and from the compiled module.

Letters: N images, S side of an image, G nodes on a side of the grid.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5 import compiled

PLACE_BITS, SHARE_BITS = 16, 8  # of a place; of a share between two pixels
CHUNK = 256  # images at a time, to bound memory


def warp(
    images: NDArray[np.uint8], affine: NDArray[np.int32], bends: NDArray[np.int32] | None, reach: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Return a distorted copy of each image: (N, S, S) uint8; computed by the compiled module where it was built.

    images  (N, S, S) uint8
    affine  (N, 6) in 1/65,536 pixel: the copy's pixel in column j and row i is sampled bilinearly from the image at
            x = a0 + a1 j + a2 i and y = a3 + a4 j + a5 i; outside the image every pixel is 0
    bends   (N, 2, G, G) in 1/256 pixel: additional displacement of x and y at the nodes of a grid
    reach   (S, G) in 1/256: weight of each grid node for each row or column of pixels
    """
    images = np.ascontiguousarray(images)
    if compiled.missing_because():
        return warp_in_numpy(images, affine, bends, reach)
    copies: NDArray[np.uint8] = compiled.kernels().warp(images=images, affine=affine, bends=bends, reach=reach)
    return copies


def warp_in_numpy(
    images: NDArray[np.uint8], affine: NDArray[np.int32], bends: NDArray[np.int32] | None, reach: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Return what `warp` returns, computed by NumPy."""
    result = np.empty_like(images)
    for begin in range(0, len(images), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        result[chunk] = _warped(images[chunk], *_places(affine[chunk], None if bends is None else bends[chunk], reach))
    return result


def _places(
    affine: NDArray[np.int32], bends: NDArray[np.int32] | None, reach: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the source coordinates of each pixel of the copies: x and y, each (N, S, S)."""
    column = np.arange(len(reach), dtype=np.int32)
    row = column[:, None]
    first, by_column, by_row = affine.reshape(-1, 2, 3, 1, 1).transpose(2, 0, 1, 3, 4)
    places = first + by_column * column + by_row * row  # (N, 2, S, S)
    if bends is not None:
        across = (bends @ reach.T) >> SHARE_BITS  # (N, 2, G, S)
        places += reach @ across
    return places[:, 0], places[:, 1]


def _warped(images: NDArray[np.uint8], x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Interpolate each pixel between four pixels of its image."""
    N, S, _ = images.shape
    B = S + 3  # with a border: one row or column before, two after
    bordered = np.zeros((N, B, B), np.int32)
    bordered[:, 1:-2, 1:-2] = images
    # All pixels beyond the border are 0, too, so coordinates may be clipped to it.
    one = 1 << PLACE_BITS
    x, y = (np.clip(places, -one, S << PLACE_BITS) + one for places in (x, y))
    corner = ((y >> PLACE_BITS) * B + (x >> PLACE_BITS)).reshape(N, -1)
    corner += np.arange(N, dtype=np.int32)[:, None] * B**2
    right, down = ((places >> (PLACE_BITS - SHARE_BITS) & 255).reshape(N, -1) for places in (x, y))

    def pixel(away: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = bordered.take(corner + away)
        return found

    upper = (pixel(0) << SHARE_BITS) + (pixel(1) - pixel(0)) * right
    lower = (pixel(B) << SHARE_BITS) + (pixel(B + 1) - pixel(B)) * right
    between = (upper << SHARE_BITS) + (lower - upper) * down
    half = 1 << (2 * SHARE_BITS - 1)
    rounded: NDArray[np.uint8] = ((between + half) >> (2 * SHARE_BITS)).astype(np.uint8)
    return rounded.reshape(images.shape)
