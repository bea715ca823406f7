"""The network: the layers in a row, walked forward and back."""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from lenet5.engines.checks import check_inputs, check_state, check_weights
from lenet5.engines.contract import Examples, Float, Precision, Steps, Weights
from lenet5.engines.numpy.conv import Convolution
from lenet5.engines.numpy.dense import Dense, Flatten
from lenet5.engines.numpy.layer import Layer
from lenet5.engines.numpy.losses import loss_and_gradient
from lenet5.engines.numpy.optimizers import optimizer_for
from lenet5.engines.numpy.pool import AveragePool, MaxPool
from lenet5.engines.numpy.squash import Relu, Sigmoid, Tanh
from lenet5.spec import layers as plan
from lenet5.spec.architecture import Architecture, PlacedLayer
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer

SQUASH: dict[str, Callable[[], Layer]] = {"relu": Relu, "tanh": Tanh, "sigmoid": Sigmoid}


def layer_for(placed: PlacedLayer, weights: Weights) -> Layer:
    """Return the working layer for one place in an architecture."""
    match placed.layer:
        case plan.Convolution(padding=padding):
            return Convolution(weights[f"{placed.name}.weight"], weights[f"{placed.name}.bias"], padding)
        case plan.Dense():
            return Dense(weights[f"{placed.name}.weight"], weights[f"{placed.name}.bias"])
        case plan.AveragePool(size=size):
            return AveragePool(size)
        case plan.MaxPool(size=size):
            return MaxPool(size)
        case plan.Activation(function=function):
            return SQUASH[function]()
        case plan.Flatten():
            return Flatten()


class NumpyNetwork:
    """`engines.contract.Network` in NumPy. Deterministic: the same calls give the same bytes."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        frozen: Sequence[str],
        precision: Precision,
    ) -> None:
        check_weights(architecture, weights)
        self.architecture = architecture
        self.objective = objective
        self._dtype = np.dtype(precision)
        self._weights: Weights = {name: np.array(w, self._dtype) for name, w in weights.items()}
        self._names = [placed.name for placed in architecture.placed]
        self._layers = [layer_for(placed, self._weights) for placed in architecture.placed]
        self._trainable = {n: w for n, w in self._weights.items() if n.split(".")[0] not in frozen}
        self._optimizer = optimizer_for(optimizer, self._trainable)
        if isinstance(self._layers[0], Convolution):
            self._layers[0].needs_input_gradient = False

    def hold(self, examples: Examples) -> None:
        """Keep a reference: batches are prepared when they are needed, so nothing is copied."""
        self._examples = examples

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rate: float) -> Steps:
        """Take one training step for each batch of indices into the examples held."""
        losses, correct = np.empty(len(batches)), np.empty(len(batches), np.int64)
        # A run that diverges is seen by its losses, which the caller checks; NumPy need not warn as well.
        with np.errstate(over="ignore", invalid="ignore"):
            for step, batch in enumerate(batches):
                inputs, labels = self._examples.inputs(batch), self._examples.labels[batch]
                losses[step], correct[step], gradients = self._there_and_back(inputs, labels)
                self._optimizer.step(self._trainable, gradients, learning_rate)
        return Steps(losses, correct)

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        x = self._checked(inputs)
        for layer in self._layers:
            x = layer.forward(x)
        return x

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        x = self._checked(inputs)
        outputs: dict[str, Float] = {}
        for name, layer in zip(self._names, self._layers, strict=True):
            outputs[name] = x = layer.forward(x)
        return outputs

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and the gradient of the objective for each trainable array; change nothing."""
        loss, _, gradients = self._there_and_back(inputs, labels)
        return loss, gradients

    def weights(self) -> Weights:
        """Return a copy of the weights."""
        return {name: w.copy() for name, w in self._weights.items()}

    def state(self) -> Weights:
        """Return a copy of what the optimiser remembers."""
        return {name: array.copy() for name, array in self._optimizer.state.items()}

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Put weights and optimiser state back, as `weights` and `state` returned them."""
        check_weights(self.architecture, weights)
        check_state(self._optimizer.state, state)
        for own, given in ((self._weights, weights), (self._optimizer.state, state)):
            for name, array in own.items():
                array[...] = given[name]

    def _there_and_back(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, int, dict[str, Float]]:
        """Walk forward to the loss and back to every gradient. Returns loss, images right, gradients."""
        scores = self.scores(inputs)
        loss, grad = loss_and_gradient(self.objective, scores, labels)
        for layer in reversed(self._layers):
            grad = layer.backward(grad)
        gradients = {
            f"{name}.{part}": gradient
            for name, layer in zip(self._names, self._layers, strict=True)
            for part, gradient in layer.gradients.items()
            if f"{name}.{part}" in self._trainable
        }
        return loss, int(np.count_nonzero(scores.argmax(axis=1) == labels)), gradients

    def _checked(self, inputs: Float) -> Float:
        """Return the inputs in the network's precision. Raises ShapeError when they do not fit."""
        check_inputs(self.architecture, inputs)
        return inputs.astype(self._dtype, copy=False)


class NumpyEngine:
    """`engines.contract.Engine` in NumPy."""

    name = "numpy"

    def build(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> NumpyNetwork:
        """Return a network with these first weights. Raises ModelError when they do not fit."""
        return NumpyNetwork(architecture, weights, objective, optimizer, frozen, precision)

    def describe(self) -> dict[str, str]:
        """Return the version of NumPy, and the threads of the library that multiplies its matrices."""
        threads = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
        return {
            "engine": self.name,
            "numpy": np.__version__,
            "device": "cpu",
            "threads": str(max(threads, default=os.cpu_count() or 1)),
        }

    def peak_memory_bytes(self) -> None:
        """There is no device memory: the process's own is what counts."""
        return
