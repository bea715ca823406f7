"""The door that every engine shares. Behind it there is no recipe, no file, no data set and no printing.

An engine builds a `Network` for an architecture; a network computes. Chance stays outside: first weights,
order and augmentation come in as arrays, so an engine is a deterministic function, and all engines start
equal and can be compared step by step.
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
    """What training steps draw their batches from: images as bytes, and the inputs made from them.

    images  (N, 28, 28) uint8, 0 = background; read in place, never copied
    labels  (N,) int64
    flips   (N,) True for an image to mirror as `preparation.flip` says, or None
    targets (N, classes) float32: each class's share of the answer, for cross-entropy; None where the label has it all
    chance  32 bits that decide what dropout leaves out, see `engines/chance.py`
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
    """What some training steps did, one entry a step.

    losses   mean loss of each batch, before its update
    correct  how many images of each batch had the highest score at their label, before the update
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.int64]


class Network(Protocol):
    """An architecture with weights, an objective and an optimiser, ready to compute."""

    architecture: Architecture

    def hold(self, examples: Examples) -> None:
        """Take the examples that the next training steps draw from; an engine may copy them to its device."""
        ...

    def train(self, batches: Sequence[NDArray[np.int64]], learning_rates: LearningRates) -> Steps:
        """Take one training step for each batch of indices into the examples held.

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

        As in training, batch normalisation takes the statistics of these inputs; but nothing is dropped out.
        """
        ...

    def curvature(self, inputs: Float) -> Weights:
        """Return the diagonal second derivative of the loss for each trainable array, its mean over the inputs.

        By back-propagation in the Gauss-Newton approximation (1998 paper, equations 22 to 27): never negative, and
        no labels are needed. Where the scores come from an rbf layer it begins at that layer's inputs, with the
        optimiser's `rbf_curvature` (2 for other optimisers); otherwise at the scores, with the loss's own.
        Raises EngineError for networks with batch normalisation.
        """
        ...

    def weights(self) -> Weights:
        """Return a copy of the weights, by their names in `Architecture.parameter_shapes`."""
        ...

    def state(self) -> Weights:
        """Return a copy of what the optimiser remembers, by names of its own; empty before the first step."""
        ...

    def load(self, weights: Mapping[str, Float], state: Mapping[str, Float]) -> None:
        """Put weights and optimiser state back, as `weights` and `state` returned them."""
        ...


class Together(Protocol):
    """Networks of one architecture, objective and optimiser that take their steps at once.

    Each has weights, optimiser state, examples and batches of its own, and comes out as if it were trained alone, but
    for rounding. Whatever a `Network` does but `train` is asked of `networks`.
    """

    @property
    def networks(self) -> Sequence[Network]: ...

    def train(
        self, batches: Sequence[Sequence[NDArray[np.int64]] | None], learning_rates: LearningRates
    ) -> list[Steps]:
        """Take one training step of every network for each of its batches; return what each one's steps did.

        batches         those of each network, as many and as large as every other's; None for one that has ended,
                        whose weights mean nothing from then on
        learning_rates  one for each step, or one for all, the same for every network
        """
        ...

    def scores(self, inputs: Float) -> Float:
        """Return the scores (M, N, classes) that each network gives the same prepared inputs (N, maps, H, W)."""
        ...


class Engine(Protocol):
    """A way to compute: NumPy, PyTorch, ...

    device          "cpu", "cuda" or "mps"
    threads_matter  whether the number of threads decides bytes, as `describe` tells it
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
        """Return a network with these first weights; layers named in `frozen` are never updated."""
        ...

    def warp(
        self,
        images: NDArray[np.uint8],
        affine: NDArray[np.int32],
        bends: NDArray[np.int32] | None,
        reach: NDArray[np.int32],
    ) -> NDArray[np.uint8]:
        """Return a bent copy of each image, (N, S, S) uint8; whole numbers, so all engines make the same bytes.

        affine  (N, 6) in 65,536ths of a pixel: the copy's pixel in column j and row i is looked up in the image at
                x = a0 + a1 j + a2 i and y = a3 + a4 j + a5 i, between four pixels; around an image lies 0
        bends   (N, 2, G, G) in 256ths of a pixel: at the nodes of a grid, by how much x and y are moved besides
        reach   (S, G) in 256ths: how much of a node's bend reaches a line of pixels
        """
        ...

    def describe(self) -> dict[str, str]:
        """Return all that decides the bytes: the engine, its versions, instruction set, device and threads."""
        ...

    def peak_memory_bytes(self) -> int | None:
        """Return the most device memory used so far, or None where there is no device memory."""
        ...


@runtime_checkable
class TogetherEngine(Engine, Protocol):
    """An engine that trains several networks at once."""

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
        """Return as many networks as there are first weights."""
        ...
