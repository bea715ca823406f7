"""Images -> inputs, as a `spec.preparation.Preparation` says. Legend: N images, S side of the inputs."""

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import ShapeError
from lenet5.spec.digits import SIDE
from lenet5.spec.preparation import Preparation

Real = TypeVar("Real", np.float32, np.float64)


def prepare(images: NDArray[np.uint8], preparation: Preparation) -> NDArray[np.float32]:
    """Return the inputs made from some images: scaled, then padded or resized.

    images  (N, 28, 28) uint8, 0 = background

    Returns (N, 1, S, S) float32, contiguous: `background` where a pixel is 0, `ink` where it is 255.
    Raises ShapeError for other images, and for a mean that is not yet known.
    """
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise ShapeError(f"images are {images.dtype} {images.shape}; expected uint8 (N, {SIDE}, {SIDE}).")
    if preparation.subtract_mean:
        raise ShapeError(
            "the preparation subtracts a mean that is not known yet; first use "
            "preparation.centred(mean_pixel(training images))."
        )
    scaled = _scale(preparation).take(images[:, preparation.kept(), preparation.kept()])
    if preparation.resize is not None:
        scaled = resized(scaled, preparation.resize)
    if preparation.padding <= 0:
        return scaled[:, None]
    inside = slice(preparation.padding, preparation.padding + SIDE)
    side = preparation.side()
    inputs = np.full((len(images), 1, side, side), preparation.background, np.float32)
    inputs[:, 0, inside, inside] = scaled
    return inputs


def resized(images: NDArray[Real], side: int) -> NDArray[Real]:
    """Stretch square images (N, H, H) to (N, side, side), by bilinear interpolation between pixel centres."""
    across = stretch(images.shape[-1], side).astype(images.dtype)
    stretched: NDArray[Real] = across @ (images @ across.T)  # (S, H) @ ((N, H, H) @ (H, S))
    return stretched


def mean_pixel(images: NDArray[np.uint8]) -> float:
    """Return the mean of all pixels, 0..255, exactly and without a copy of the images."""
    if images.size == 0:
        raise ShapeError("there are no images to take a mean of.")
    return int(images.sum(dtype=np.uint64)) / images.size


@cache
def _scale(preparation: Preparation) -> NDArray[np.float32]:
    return np.array(preparation.scale(), np.float32)


@cache
def stretch(size: int, side: int) -> NDArray[np.float64]:
    """Return the (side, size) matrix A of `resized`, float64: an image X becomes A X A^T.

    Each row weighs the two pixels nearest to its centre.

    Beyond the outermost centres the outermost pixel counts alone.
    """
    centres = ((np.arange(side) + 0.5) * size / side - 0.5).clip(0, size - 1)
    distance = np.abs(centres[:, None] - np.arange(size))  # (side, size)
    return (1 - distance).clip(min=0)
