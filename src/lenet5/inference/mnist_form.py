"""Conversion of a caller's images to MNIST form: uint8 (N, 28, 28), 0 background, 255 ink."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet5.errors import ShapeError
from lenet5.spec.digits import SIDE


def mnist_form(images: ArrayLike) -> NDArray[np.uint8]:
    """Return images in MNIST form.

    images  one image (28, 28), or many: (N, 28, 28), (N, 1, 28, 28), (N, 28, 28, 1) or (N, 784).
            Integers are in 0..255; floats in 0..1.

                Raises ShapeError for other shapes or values. Ink must be bright on a dark background, as in MNIST.
    """
    given = np.asarray(images)
    shape = given.shape
    if shape == (SIDE, SIDE):
        given = given[None]
    elif (len(shape) == 2 and shape[1] == SIDE * SIDE) or (
        len(shape) == 4 and shape[1:] in ((1, SIDE, SIDE), (SIDE, SIDE, 1))
    ):
        given = given.reshape(-1, SIDE, SIDE)
    elif len(shape) != 3 or shape[1:] != (SIDE, SIDE):
        raise ShapeError(f"images have shape {shape}; expected (28, 28), (N, 28, 28), (N, 1, 28, 28) or (N, 784).")
    if given.dtype == np.uint8:
        return given
    if not (np.issubdtype(given.dtype, np.number) or given.dtype == np.bool_):
        raise ShapeError(f"images have type {given.dtype}; expected numbers: uint8 0..255, or floats 0..1.")
    return _bytes(given)


def _bytes(given: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert numbers of another type to uint8. Raises ShapeError when they are out of range."""
    whole = not np.issubdtype(given.dtype, np.floating) and given.dtype != np.bool_
    top = 255 if whole else 1
    low, high = (given.min(), given.max()) if given.size else (0, 0)
    if not (low >= 0 and high <= top):  # also when either is NaN
        raise ShapeError(
            f"images of type {given.dtype} run from {low} to {high}; expected 0..{top}. "
            "Integers must be in 0..255, floats in 0..1."
        )
    return given.astype(np.uint8) if whole else np.rint(given.astype(np.float64) * 255).astype(np.uint8)
