"""The functions that squash, or rectify, each unit. Each derivative is written in terms of the output y."""

import numpy as np

from lenet5.engines.contract import Float
from lenet5.engines.numpy.layer import WithoutWeights


class Relu(WithoutWeights):
    """y = max(0, x)."""

    def forward(self, x: Float) -> Float:
        """Any shape; the same shape comes out."""
        self._y: Float = np.maximum(x, 0)
        return self._y

    def backward(self, grad_y: Float) -> Float:
        """The slope is 1 where x > 0, else 0 (at 0 too, as in PyTorch)."""
        return grad_y * (self._y > 0)


class Tanh(WithoutWeights):
    """y = tanh(x), in -1..1."""

    def forward(self, x: Float) -> Float:
        """Any shape; the same shape comes out."""
        self._y: Float = np.tanh(x)
        return self._y

    def backward(self, grad_y: Float) -> Float:
        """The slope is 1 - y^2."""
        return grad_y * (1 - self._y**2)


class Sigmoid(WithoutWeights):
    """y = 1 / (1 + exp(-x)), in 0..1."""

    def forward(self, x: Float) -> Float:
        """Any shape; the same shape comes out."""
        # The same function as 1 / (1 + exp(-x)), but exp(-x) overflows for very negative x and tanh does not.
        y: Float = 0.5 * np.tanh(0.5 * x) + 0.5
        self._y = y
        return y

    def backward(self, grad_y: Float) -> Float:
        """The slope is y (1 - y)."""
        return grad_y * self._y * (1 - self._y)
