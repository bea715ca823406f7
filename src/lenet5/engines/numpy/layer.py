"""What the network asks of a layer."""

from typing import Protocol

from lenet5.engines.contract import Float, Weights


class Layer(Protocol):
    """One step of the network, there and back.

    parameters  "weight" and "bias" where the layer has them; the network and the optimiser share these arrays
    gradients   the gradient of the objective for each of them, after `backward`
    """

    parameters: Weights
    gradients: Weights

    def forward(self, x: Float) -> Float:
        """Return the layer's output."""
        ...

    def backward(self, grad_y: Float) -> Float:
        """Return the gradient for the input; store those for the parameters."""
        ...


class WithoutWeights:
    """What the layers that learn nothing share."""

    def __init__(self) -> None:
        self.parameters: Weights = {}
        self.gradients: Weights = {}
