"""Quantization-aware training: a network that computes with rounded weights and updates exact ones.

The gradient at the rounded weights is applied to the exact weights as if rounding were the identity (straight-through
estimator, Bengio et al. 2013; Jacob et al. 2018, section 3). This works with every engine and optimiser, because only
their update of the weights is needed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Examples, Float, LearningRates, Network, Steps, Weights
from lenet5.models.grid import rounded

EXACT = "exact."  # begins the names of the exact weights in the state


class StraightThrough(Network):
    """A network whose weights are always on the grid of `models/grid.py`; biases stay exact."""

    def __init__(self, network: Network, kind: str) -> None:
        """Round the weights of a network.

        kind  "int8" or "int4"
        """
        self.architecture = network.architecture
        self._network, self._kind = network, kind
        self._exact = self._now = network.weights()
        self._round()

    def _round(self) -> None:
        self._now = rounded(self.architecture, self._exact, self._kind)
        self._network.load(self._now, self._network.state())

    def hold(self, examples: Examples) -> None:
        """Set the examples for the following training steps."""
        self._network.hold(examples)

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch, and round the weights after each."""
        done = []
        for batch, rate in zip(batches, np.broadcast_to(learning_rates, len(batches)), strict=True):
            done.append(self._network.train([batch], float(rate)))
            moved = self._network.weights()
            self._exact = {name: self._exact[name] + (moved[name] - self._now[name]) for name in moved}
            self._round()
        return Steps(np.concatenate([s.losses for s in done]), np.concatenate([s.correct for s in done]))

    def scores(self, inputs: Float) -> Float:
        """Return the scores with rounded weights."""
        return self._network.scores(inputs)

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer with rounded weights."""
        return self._network.activations(inputs)

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and its gradients at the rounded weights."""
        return self._network.gradients(inputs, labels)

    def curvature(self, inputs: Float) -> Weights:
        """Return the second derivatives at the rounded weights."""
        return self._network.curvature(inputs)

    def weights(self) -> Weights:
        """Return a copy of the rounded weights."""
        return self._network.weights()

    def state(self) -> Weights:
        """Return a copy of the optimiser's state and of the exact weights."""
        return self._network.state() | {EXACT + name: array.copy() for name, array in self._exact.items()}

    def set_state(self, state: Mapping[str, Float]) -> None:
        """Restore the optimiser's state; exact weights that it lacks stay as they are."""
        self._network.set_state({name: array for name, array in state.items() if not name.startswith(EXACT)})
        self._exact = {name: state.get(EXACT + name, array).copy() for name, array in self._exact.items()}
        self._round()

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Restore weights and state; without exact weights in the state, the weights are taken as exact."""
        self._network.load(weights, {name: array for name, array in state.items() if not name.startswith(EXACT)})
        self._exact = {name: state.get(EXACT + name, array).copy() for name, array in weights.items()}
        self._round()
