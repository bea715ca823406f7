"""What the network asks of a layer."""

from typing import Protocol

from lenet5.engines.contract import Float, Weights


class Layer(Protocol):
    """One step of the network, there and back.

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
        """Return the gradient for the input; store those for the parameters."""
        ...

    def curvature(self, curv_y: Float) -> Float:
        """The same for second derivatives: from those for the output to those for the input and the parameters.

        Each is that of one number alone, in the Gauss-Newton approximation: an output's second derivative comes to an
        input by the square of the slope (1998 paper, equations 25 and 27).
        """
        ...


class WithoutWeights:
    """What the layers that learn nothing share."""

    def __init__(self) -> None:
        self.parameters: Weights = {}
        self.gradients: Weights = {}
        self.curvatures: Weights = {}
