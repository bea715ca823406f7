"""The activation functions. Each derivative is written in terms of the output y."""

from abc import abstractmethod

import numpy as np

from lenet5.engines.contract import Float
from lenet5.engines.numpy.layer import WithoutWeights
from lenet5.spec.paper import SQUASH_AMPLITUDE as A
from lenet5.spec.paper import SQUASH_SLOPE as S


class Activation(WithoutWeights):
    """Base of the activation functions, which apply to each number of an array of any shape."""

    def forward(self, x: Float) -> Float:
        """Return the function of every number."""
        self._y: Float = self.value(x)
        return self._y

    def backward(self, grad_y: Float) -> Float:
        """The gradient times the derivative of the function."""
        return grad_y * self.slope(self._y)

    def curvature(self, curv_y: Float) -> Float:
        """The second derivative times the square of f'; the term with f'' is dropped (1998 paper, equation 27)."""
        squared: Float = curv_y * self.slope(self._y) ** 2
        return squared

    @abstractmethod
    def value(self, x: Float) -> Float:
        """Return the function of x."""

    @abstractmethod
    def slope(self, y: Float) -> Float:
        """Return the function's derivative where its value is y."""


class Relu(Activation):
    """y = max(0, x); the slope is 1 where x > 0, else 0 (at 0 too, as in PyTorch)."""

    def value(self, x: Float) -> Float:
        """Return max(0, x)."""
        y: Float = np.maximum(x, 0)
        return y

    def slope(self, y: Float) -> Float:
        """Return 1 where the unit is active, else 0."""
        return (y > 0).astype(y.dtype)


class Tanh(Activation):
    """y = tanh(x), in -1..1; the slope is 1 - y^2."""

    def value(self, x: Float) -> Float:
        """Return tanh(x)."""
        y: Float = np.tanh(x)
        return y

    def slope(self, y: Float) -> Float:
        """Return 1 - y^2."""
        return 1 - y**2


class ScaledTanh(Activation):
    """y = A tanh(S x), in -A..A with A = 1.7159 and S = 2/3 (1998 paper, equation 6): y(1) = 1, y(-1) = -1."""

    def value(self, x: Float) -> Float:
        """Return A tanh(S x)."""
        y: Float = A * np.tanh(S * x)
        return y

    def slope(self, y: Float) -> Float:
        """Return A S (1 - (y / A)^2)."""
        return S * (A - y**2 / A)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in 0..1; the slope is y (1 - y)."""

    def value(self, x: Float) -> Float:
        """Return 1 / (1 + exp(-x)), computed as a tanh, since exp(-x) overflows for very negative x."""
        y: Float = 0.5 * np.tanh(0.5 * x) + 0.5
        return y

    def slope(self, y: Float) -> Float:
        """Return y (1 - y)."""
        return y * (1 - y)
