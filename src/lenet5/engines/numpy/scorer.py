"""The layers of an architecture, and the network that only runs them forward."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from lenet5.engines.checks import check_inputs, check_weights
from lenet5.engines.connection_table import connection_mask
from lenet5.engines.contract import Float, Precision, Weights
from lenet5.engines.line import at_every_column
from lenet5.engines.numpy.activation import Activation, Relu, ScaledTanh, Sigmoid, Tanh
from lenet5.engines.numpy.conv import Convolution
from lenet5.engines.numpy.dense import Dense, Flatten
from lenet5.engines.numpy.dropout import Dropout
from lenet5.engines.numpy.layer import Layer
from lenet5.engines.numpy.normalize import BatchNormalization
from lenet5.engines.numpy.pool import AveragePool, MaxPool
from lenet5.engines.numpy.rbf import Rbf
from lenet5.engines.numpy.subsample import Subsample
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture, PlacedLayer

ACTIVATIONS: dict[str, Callable[[], Activation]] = {
    "relu": Relu,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "scaled_tanh": ScaledTanh,
}


def layer_for(number: int, placed: PlacedLayer, weights: Weights, at_rbf: float = 0.0) -> Layer:
    """Return the layer that computes one entry of an architecture.

    number  index of the layer, from 0
    at_rbf  second derivative with respect to each input of an rbf layer; only `Layer.curvature` uses it
    """
    own = [weights[name] for name in placed.parameter_shapes]
    match placed.layer:
        case plan.Convolution(padding=padding):
            weight, bias = own
            return Convolution(weight, bias, padding, connection_mask(placed))
        case plan.Subsample(size=size):
            coefficient, bias = own
            return Subsample(coefficient, bias, size)
        case plan.Dense():
            weight, bias = own
            return Dense(weight, bias)
        case plan.Rbf(factor=factor):
            return Rbf(np.array(paper.codes(), np.float32), factor, at_rbf)
        case plan.AveragePool(size=size):
            return AveragePool(size)
        case plan.MaxPool(size=size):
            return MaxPool(size)
        case plan.BatchNormalization():
            return BatchNormalization(*own)
        case plan.Dropout(share=share):
            return Dropout(share, number)
        case plan.Activation(function=function):
            return ACTIVATIONS[function]()
        case plan.Flatten():
            return Flatten()


class NumpyScorer:
    """`engines.contract.Scorer` in NumPy.

    Layers are made for each call, one after the other, so that what they keep for a backward pass is freed at once.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, Float], precision: Precision) -> None:
        check_weights(architecture, weights)
        self.architecture = architecture
        self._dtype = np.dtype(precision)
        self._weights: Weights = {name: np.array(w, self._dtype) for name, w in weights.items()}

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        x = self._checked(inputs)
        for layer in self._layers():
            x = layer.forward(x)
        return x

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        x = self._checked(inputs)
        outputs: dict[str, Float] = {}
        for placed, layer in zip(self.architecture.placed, self._layers(), strict=True):
            outputs[placed.name] = x = layer.forward(x)
        return outputs

    def line_scores(self, line: Float) -> Float:
        """Return the scores of the windows that begin at each column of a line; see `engines.contract.Scorer`."""
        return at_every_column(self._slide, self.architecture, line.astype(self._dtype, copy=False))

    def _slide(self, line: Float) -> Float:
        x = line[None]
        for layer in self._layers():
            # From `Flatten` on each column is a window of its own: dense layers run as convolutions of 1 x 1.
            x = np.ascontiguousarray(x[0, :, 0].T) if isinstance(layer, Flatten) else layer.forward(x)
        return x

    def _layers(self) -> Iterator[Layer]:
        return (layer_for(i, placed, self._weights) for i, placed in enumerate(self.architecture.placed))

    def _checked(self, inputs: Float) -> Float:
        """Return the inputs in the scorer's precision. Raises ShapeError when they do not fit."""
        check_inputs(self.architecture, inputs)
        return inputs.astype(self._dtype, copy=False)
