"""Pooling: each square of a map is replaced by one number, its mean or its maximum.

The squares do not overlap, so the pixels at position (r, s) of all squares form a smaller image, `corner`, and a whole
batch is pooled with one operation for each position.
"""

from collections.abc import Iterator

import numpy as np

from lenet5.engines.contract import Float
from lenet5.engines.numpy.layer import WithoutWeights


def corners(x: Float, size: int) -> Iterator[Float]:
    """Yield a view of x (N, C, H, W) for each position in the squares, row by row: (N, C, H/size, W/size)."""
    for r in range(size):
        for s in range(size):
            yield x[:, :, r::size, s::size]


def square_sums(x: Float, size: int) -> Float:
    """Add up the pixels of each square: (N, C, H, W) -> (N, C, H/size, W/size)."""
    return np.asarray(sum(corners(x, size), start=np.zeros((), x.dtype)))


def spread(y: Float, size: int) -> Float:
    """Copy each number of y (N, C, H, W) to every pixel of its square: (N, C, H size, W size)."""
    N, C, H, W = y.shape
    x = np.empty((N, C, H * size, W * size), y.dtype)
    for corner in corners(x, size):
        corner[...] = y
    return x


class AveragePool(WithoutWeights):
    """The mean of each square."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) -> (N, C, H/size, W/size)."""
        return square_sums(x, self.size) / self.size**2

    def backward(self, grad_y: Float) -> Float:
        """Every pixel of a square has the same weight in the mean."""
        return spread(grad_y / self.size**2, self.size)

    def curvature(self, curv_y: Float) -> Float:
        """The same with the weight squared."""
        return spread(curv_y / self.size**4, self.size)


class MaxPool(WithoutWeights):
    """The largest value of each square."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) -> (N, C, H/size, W/size)."""
        self._x = x
        first, *others = corners(x, self.size)
        y = first.copy()
        for corner in others:
            np.maximum(y, corner, out=y)
        self._y: Float = y
        return y

    def backward(self, grad_y: Float) -> Float:
        """The gradient goes to the largest pixel only; in a tie to the first one, row by row."""
        grad_x = np.empty_like(self._x)
        free = np.ones(grad_y.shape, bool)
        for corner, grad_corner in zip(corners(self._x, self.size), corners(grad_x, self.size), strict=True):
            chosen = free & (corner == self._y)
            np.multiply(grad_y, chosen, out=grad_corner)
            free &= ~chosen
        return grad_x

    curvature = backward  # the slope is 1 or 0, and so is its square
