"""The interface that every engine implements. Engines know nothing of recipes, files or data sets, and print nothing.

An engine builds a `Network` for an architecture, which is trained, or a `Scorer`, which is not. Randomness stays
outside: initial weights, order and augmentation are passed in as arrays. An engine is therefore a deterministic
function, and engines that start from the same arrays can be compared step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.architecture import Architecture
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Optimizer
from lenet5.spec.preparation import Preparation

Float = NDArray[np.floating[Any]]
Weights = dict[str, Float]
Precision = Literal["float32", "float64"]
LearningRates = float | NDArray[np.float64]


class Examples(Protocol):
    """Source of the training batches: images as bytes, and the inputs prepared from them.

    images  (N, 28, 28) uint8, 0 = background; not copied
    labels  (N,) int64
    flips   (N,) True for images to mirror as `preparation.flip` says, or None
    targets (N, classes) float32: soft targets for cross-entropy; None when the labels are the targets
    chance  32-bit key of the dropout masks, see `engines/dropout_mask.py`
    """

    @property
    def images(self) -> NDArray[np.uint8]: ...

    @property
    def labels(self) -> NDArray[np.int64]: ...

    @property
    def preparation(self) -> Preparation: ...

    @property
    def flips(self) -> NDArray[np.bool_] | None: ...

    @property
    def targets(self) -> NDArray[np.float32] | None: ...

    @property
    def chance(self) -> int: ...

    def inputs(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the prepared inputs of some images: (n, 1, H, W) float32."""
        ...


@dataclass(frozen=True)
class Steps:
    """Results of a series of training steps, one entry for each step.

    losses   mean loss of each batch, before its update
    correct  number of images of each batch that were classified correctly, before the update
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.int64]


class Scorer(Protocol):
    """An architecture with fixed weights: no objective, no optimiser, and no memory for gradients."""

    architecture: Architecture

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        ...

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        ...

    def line_scores(self, line: Float) -> Float:
        """Return the scores of the windows that begin at each column of a line (LeCun 1998, section VII).

        line  (maps, H, L) prepared inputs, as high as the network's and at least as wide

        Returns (L - W + 1, classes). Raises ShapeError for another line, ModelError for a network that cannot be slid;
        see `engines/line.py`.
        """
        ...


class Network(Protocol):
    """An architecture with weights, an objective and an optimiser, to be trained."""

    architecture: Architecture

    def hold(self, examples: Examples) -> None:
        """Set the examples for the following training steps; an engine may copy them to its device."""
        ...

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices into the current examples.

        learning_rates  one for each batch, or one for all
        """
        ...

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        ...

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`."""
        ...

    def gradients(self, inputs: Float, labels: NDArray[np.int64]) -> tuple[float, Weights]:
        """Return the mean loss and the gradient of the objective for each trainable array; change nothing.

        Batch normalisation uses the statistics of these inputs, as in training; dropout is off.
        """
        ...

    def curvature(self, inputs: Float) -> Weights:
        """Return the diagonal second derivative of the loss for each trainable array, averaged over the inputs.

        Computed by back-propagation in the Gauss-Newton approximation (1998 paper, equations 22 to 27), so it is
        never negative and needs no labels. With an rbf output, back-propagation begins at the rbf layer's inputs with
        the optimiser's `rbf_curvature` (2 for other optimisers); otherwise at the scores, with the second derivative
        of the loss.
        Raises EngineError for networks with batch normalisation.
        """
        ...

    def weights(self) -> Weights:
        """Return a copy of the weights, by their names in `Architecture.parameter_shapes`."""
        ...

    def state(self) -> Weights:
        """Return a copy of the optimiser's state, by the optimiser's names; empty before the first step."""
        ...

    def set_state(self, state: Mapping[str, Float]) -> None:
        """Restore the optimiser's state as returned by `state`."""
        ...

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Restore weights and optimiser state as returned by `weights` and `state`."""
        ...


class Together(Protocol):
    """Several networks of one architecture, objective and optimiser, trained simultaneously.

    Each has its own weights, optimiser state, examples and batches, and ends up, up to rounding, as if it had been
    trained alone. Everything but `train` and `scores` is done through `networks`, one `Network` each.
    """

    @property
    def networks(self) -> Sequence[Network]: ...

    def train(
        self, batches: Sequence[Sequence[NDArray[np.int64]] | None], learning_rates: LearningRates
    ) -> list[Steps]:
        """Take one training step of every network for each of its batches; return the steps of each network.

        batches         one series for each network, all of the same number and sizes; None for a network that has
                        finished, whose weights are undefined from then on
        learning_rates  one for each step, or one for all; the same for every network
        """
        ...

    def scores(self, inputs: Float) -> Float:
        """Return the scores (M, N, classes) that each network gives the same prepared inputs (N, maps, H, W)."""
        ...


class Engine(Protocol):
    """A compute backend: NumPy, PyTorch or C++.

    device          "cpu", "cuda" or "mps"
    threads_matter  whether results depend on the number of threads, which `describe` then includes
    """

    name: str
    device: str
    threads_matter: bool

    def build(
        self,
        architecture: Architecture,
        weights: Mapping[str, Float],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> Network:
        """Return a network with these initial weights; layers named in `frozen` are never updated."""
        ...

    def scorer(
        self, architecture: Architecture, weights: Mapping[str, Float], *, precision: Precision = "float32"
    ) -> Scorer:
        """Return these weights for scoring alone."""
        ...

    def describe(self) -> dict[str, str]:
        """Return everything that determines a result's bytes: engine, versions, instruction set, device, threads."""
        ...

    def peak_memory_bytes(self) -> int | None:
        """Return the peak device memory used so far, or None where there is no device memory."""
        ...


@runtime_checkable
class TogetherEngine(Engine, Protocol):
    """An engine that trains several networks simultaneously."""

    def build_together(
        self,
        architecture: Architecture,
        weights: Sequence[Mapping[str, Float]],
        objective: Objective,
        optimizer: Optimizer,
        *,
        frozen: Sequence[str] = (),
        precision: Precision = "float32",
    ) -> Together:
        """Return one network for each set of initial weights."""
        ...
