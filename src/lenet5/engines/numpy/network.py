"""The network: a sequence of layers, run forward and backward."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from lenet5.engines.checks import check_inputs, check_second_derivatives, check_state, check_weights
from lenet5.engines.contract import Examples, Float, LearningRates, Precision, Steps, Weights
from lenet5.engines.numpy.conv import Convolution
from lenet5.engines.numpy.dropout import Dropout
from lenet5.engines.numpy.losses import curvature_of_scores, loss_and_gradient
from lenet5.engines.numpy.normalize import BatchNormalization
from lenet5.engines.numpy.optimizers import optimizer_for
from lenet5.engines.numpy.scorer import NumpyScorer, layer_for
from lenet5.engines.soft_targets import soft_targets
from lenet5.machine import usable_cores
from lenet5.spec.architecture import Architecture
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer, rbf_curvature

CURVATURE_BATCH = 100  # images in each pass, to bound memory


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
        at_rbf = rbf_curvature(optimizer)
        self._layers = [layer_for(i, placed, self._weights, at_rbf) for i, placed in enumerate(architecture.placed)]
        fixed = architecture.statistics
        self._trainable = {n: w for n, w in self._weights.items() if n not in fixed and n.split(".")[0] not in frozen}
        self._optimizer = optimizer_for(optimizer, self._trainable)
        if isinstance(self._layers[0], Convolution):
            self._layers[0].needs_input_gradient = False

    def hold(self, examples: Examples) -> None:
        """Keep a reference; each batch is prepared when it is needed."""
        self._examples = examples

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices; one learning rate for each batch, or one for all."""
        rates = np.broadcast_to(learning_rates, len(batches)).tolist()
        losses, correct = np.empty(len(batches)), np.empty(len(batches), np.int64)
        # The caller detects a diverging run by its losses, so NumPy's warnings would be noise.
        with np.errstate(over="ignore", invalid="ignore"):
            for step, batch in enumerate(batches):
                inputs, labels = self._examples.inputs(batch), self._examples.labels[batch]
                targets = None if self._examples.targets is None else self._examples.targets[batch]
                with self._chance(batch):
                    losses[step], correct[step], gradients = self._forward_backward(inputs, labels, targets)
                self._optimizer.step(self._trainable, gradients, rates[step])
                for layer in self._layers:
                    if isinstance(layer, BatchNormalization):
                        layer.keep_statistics()
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
        loss, _, gradients = self._forward_backward(inputs, labels)
        return loss, gradients

    def curvature(self, inputs: Float) -> Weights:
        """Return the mean second derivative for each trainable array; see `engines.contract.Network`."""
        check_second_derivatives(self.architecture)
        totals: Weights = {name: np.zeros_like(w) for name, w in self._trainable.items()}
        for start in range(0, len(inputs), CURVATURE_BATCH):
            curv = curvature_of_scores(self.objective, self.scores(inputs[start : start + CURVATURE_BATCH]))
            for layer in reversed(self._layers):
                curv = layer.curvature(curv)
            for name, sums in self._of_all_layers("curvatures").items():
                totals[name] += sums
        return {name: total / len(inputs) for name, total in totals.items()}

    def weights(self) -> Weights:
        """Return a copy of the weights."""
        return {name: w.copy() for name, w in self._weights.items()}

    def state(self) -> Weights:
        """Return a copy of the optimiser's state."""
        return {name: array.copy() for name, array in self._optimizer.state.items()}

    def set_state(self, state: Mapping[str, Float]) -> None:
        """Restore the optimiser's state as returned by `state`."""
        check_state(self._optimizer.state, state)
        for name, array in self._optimizer.state.items():
            array[...] = state[name]

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Restore weights and optimiser state as returned by `weights` and `state`."""
        check_weights(self.architecture, weights)
        self.set_state(state)
        for name, array in self._weights.items():
            array[...] = weights[name]

    def _forward_backward(
        self, inputs: Float, labels: NDArray[np.int64], targets: NDArray[np.float32] | None = None
    ) -> tuple[float, int, dict[str, Float]]:
        """Return the mean loss, the number of correctly classified images, and the gradients."""
        with self._statistics_of_the_batch():
            scores = self.scores(inputs)
            targets = soft_targets(self.objective, labels, targets, scores.shape[1])
            loss, grad = loss_and_gradient(self.objective, scores, labels, targets)
            for layer in reversed(self._layers):
                grad = layer.backward(grad)
        return loss, int(np.count_nonzero(scores.argmax(axis=1) == labels)), self._of_all_layers("gradients")

    @contextmanager
    def _statistics_of_the_batch(self) -> Iterator[None]:
        """Make batch normalisation use the statistics of the batch instead of the running ones."""
        layers = [layer for layer in self._layers if isinstance(layer, BatchNormalization)]
        for layer in layers:
            layer.training = True
        yield
        for layer in layers:
            layer.training = False

    @contextmanager
    def _chance(self, batch: NDArray[np.int64]) -> Iterator[None]:
        """Turn dropout on, with masks keyed by the examples' `chance`."""
        layers = [layer for layer in self._layers if isinstance(layer, Dropout)]
        for layer in layers:
            layer.images, layer.key = batch, self._examples.chance
        yield
        for layer in layers:
            layer.images = None

    def _of_all_layers(self, what: Literal["gradients", "curvatures"]) -> Weights:
        """Return the gradients or curvatures that the layers stored, by the names of the trainable arrays."""
        return {
            f"{name}.{part}": array
            for name, layer in zip(self._names, self._layers, strict=True)
            for part, array in getattr(layer, what).items()
            if f"{name}.{part}" in self._trainable
        }

    def _checked(self, inputs: Float) -> Float:
        """Return the inputs in the network's precision. Raises ShapeError when they do not fit."""
        check_inputs(self.architecture, inputs)
        return inputs.astype(self._dtype, copy=False)


class NumpyEngine:
    """`engines.contract.Engine` in NumPy."""

    name = "numpy"
    device = "cpu"
    threads_matter = True  # BLAS splits its sums among threads, which changes the rounding

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
        """Return a network with these initial weights. Raises ModelError when they do not fit."""
        return NumpyNetwork(architecture, weights, objective, optimizer, frozen, precision)

    def scorer(
        self, architecture: Architecture, weights: Mapping[str, Float], *, precision: Precision = "float32"
    ) -> NumpyScorer:
        """Return these weights for scoring alone. Raises ModelError when they do not fit."""
        return NumpyScorer(architecture, weights, precision)

    def describe(self) -> dict[str, str]:
        """Return the version of NumPy, its instruction sets, and the kernels and threads of its BLAS."""
        every = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
        libraries = [pool for pool in every if "numpy" in pool["filepath"]] or every  # SciPy may have loaded another
        kernels = [f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in libraries]
        threads = [pool["num_threads"] for pool in libraries]
        return {
            "engine": self.name,
            "numpy": np.__version__,
            "instructions": ", ".join([*np.show_config(mode="dicts")["SIMD Extensions"]["found"][-1:], *kernels]),
            "device": self.device,
            "threads": str(max(threads, default=usable_cores())),
        }

    def peak_memory_bytes(self) -> None:
        """Return None: the engine uses main memory only."""
        return
