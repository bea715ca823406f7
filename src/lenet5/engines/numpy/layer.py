"""The interface of a layer."""

from typing import Protocol

from lenet5.engines.contract import Float, Weights


class Layer(Protocol):
    """One layer of the network, with its forward and backward passes.

    parameters  "weight" and "bias" where the layer has them; the network and the optimiser share these arrays
    gradients   the gradient of the objective for each of them, after `backward`
    curvatures  the second derivative for each of them, summed over the batch, after `curvature`
    """

    parameters: Weights
    gradients: Weights
    curvatures: Weights

    def forward(self, x: Float) -> Float:
        """Return the layer's output."""
        ...

    def backward(self, grad_y: Float) -> Float:
        """Return the gradient with respect to the input; store those of the parameters."""
        ...

    def curvature(self, curv_y: Float) -> Float:
        """The same for second derivatives.

        Only the diagonal, in the Gauss-Newton approximation: the second derivative of an output reaches an input
        multiplied by the square of the slope (1998 paper, equations 25 and 27).
        """
        ...


class WithoutWeights:
    """Base of the layers without trainable parameters."""

    def __init__(self) -> None:
        self.parameters: Weights = {}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}
