"""Subsampling as in 1998: the sum of each square, times a coefficient, plus a bias.

    y[n, c, h, w] = coefficient[c] (sum of the square) + bias[c]

Each map has one trainable coefficient and one trainable bias (1998 paper, p. 7); the activation function is a separate
layer.
"""

from lenet5.engines.contract import Float, Weights
from lenet5.engines.numpy.pool import spread, square_sums


class Subsample:
    """Subsampling of C maps by squares of size x size."""

    def __init__(self, coefficient: Float, bias: Float, size: int) -> None:
        self.parameters: Weights = {"coefficient": coefficient, "bias": bias}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}
        self.size = size

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) -> (N, C, H/size, W/size)."""
        self._sums = square_sums(x, self.size)
        return self.parameters["coefficient"][:, None, None] * self._sums + self.parameters["bias"][:, None, None]

    def backward(self, grad_y: Float) -> Float:
        """Every pixel of a square has the same weight in its sum."""
        self.gradients, grad_x = self._back(grad_y, self.parameters["coefficient"], self._sums)
        return grad_x

    def curvature(self, curv_y: Float) -> Float:
        """The same with both factors squared."""
        self.curvatures, curv_x = self._back(curv_y, self.parameters["coefficient"] ** 2, self._sums**2)
        return curv_x

    def _back(self, grad_y: Float, coefficient: Float, sums: Float) -> tuple[Weights, Float]:
        gradients: Weights = {"coefficient": (grad_y * sums).sum(axis=(0, 2, 3)), "bias": grad_y.sum(axis=(0, 2, 3))}
        return gradients, spread(coefficient[:, None, None] * grad_y, self.size)
