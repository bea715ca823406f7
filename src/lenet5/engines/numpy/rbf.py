"""The RBF output layer of 1998: each class's unit measures the distance of the input from the class's code.

    y[n, k] = -factor * sum over i of (x[n, i] - code[k, i])^2

The paper's y (equation 7, p. 8) has the opposite sign and a factor of 1: a penalty. Here the highest score wins.
"""

import numpy as np

from lenet5.engines.contract import Float
from lenet5.engines.numpy.layer import WithoutWeights


class Rbf(WithoutWeights):
    """K units over C inputs; their codes (K, C) are fixed."""

    def __init__(self, codes: Float, factor: float, curvature_of_inputs: float) -> None:
        super().__init__()
        self.codes = codes
        self.factor = factor
        self.curvature_of_inputs = curvature_of_inputs

    def forward(self, x: Float) -> Float:
        """(N, C) -> (N, K)."""
        self._differences = x[:, None, :] - self.codes  # (N, K, C)
        scores: Float = -self.factor * (self._differences**2).sum(axis=2)
        return scores

    def backward(self, grad_y: Float) -> Float:
        """(N, K) -> (N, C)."""
        grad_x: Float = -2 * self.factor * (grad_y[:, :, None] * self._differences).sum(axis=1)
        return grad_x

    def curvature(self, curv_y: Float) -> Float:
        """One constant for every input, whatever the loss: back-propagation of second derivatives begins here.

        For equation 8 the exact value is 2 times the factor. For equation 9 the exact value can be negative; the
        authors' later program uses a constant, too.
        """
        return np.full_like(self._differences[:, 0], self.curvature_of_inputs)
