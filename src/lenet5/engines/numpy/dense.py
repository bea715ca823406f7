"""The dense layer: every unit is connected to every input, y = x weight^T + bias."""

from lenet5.engines.contract import Float, Weights
from lenet5.engines.numpy.layer import WithoutWeights


class Dense:
    """K units over C inputs."""

    def __init__(self, weight: Float, bias: Float) -> None:
        self.parameters: Weights = {"weight": weight, "bias": bias}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}

    def forward(self, x: Float) -> Float:
        """(N, C) -> (N, K)."""
        self._x = x
        return x @ self.parameters["weight"].T + self.parameters["bias"]

    def backward(self, grad_y: Float) -> Float:
        """(N, K) -> (N, C); the gradients of the weights are summed over the batch."""
        self.gradients = {"weight": grad_y.T @ self._x, "bias": grad_y.sum(axis=0)}
        return grad_y @ self.parameters["weight"]

    def curvature(self, curv_y: Float) -> Float:
        """The same with both factors squared (1998 paper, equations 25 and 27)."""
        self.curvatures = {"weight": curv_y.T @ self._x**2, "bias": curv_y.sum(axis=0)}
        return curv_y @ self.parameters["weight"] ** 2


class Flatten(WithoutWeights):
    """Flattening of each image's maps into a vector: (N, C, H, W) -> (N, C H W)."""

    def forward(self, x: Float) -> Float:
        """(N, C, H, W) -> (N, C H W)."""
        self._input_shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad_y: Float) -> Float:
        """The same numbers in the shape of the maps."""
        return grad_y.reshape(self._input_shape)

    curvature = backward
