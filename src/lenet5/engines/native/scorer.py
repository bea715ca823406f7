"""The layers of an architecture as the compiled module takes them, and the network that only scores."""

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lenet5.compiled import kernels
from lenet5.engines.checks import check_inputs, check_weights
from lenet5.engines.contract import Float
from lenet5.engines.line import check_line
from lenet5.spec import layers as plan
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture, PlacedLayer

WINDOWS = 1024  # of a line, scored at once; 4 MB of inputs


def layer(placed: PlacedLayer, *, frozen: bool = False) -> Any:
    """Return one layer as the compiled module takes it."""
    make = kernels().Layer
    match placed.layer:
        case plan.Convolution(maps=maps, kernel=kernel, padding=padding, table=table):
            seen = [] if table == "full" else placed.layer.maps_seen(placed.input_shape[0])
            return make("convolution", maps=maps, size=kernel, padding=padding, seen=seen, frozen=frozen)
        case plan.Subsample(size=size):
            return make("subsample", size=size, frozen=frozen)
        case plan.Dense(units=units):
            return make("dense", maps=units, frozen=frozen)
        case plan.Rbf(factor=factor):
            codes = paper.codes()
            pixels = [float(pixel) for code in codes for pixel in code]
            return make("rbf", maps=len(codes), codes=pixels, factor=factor)
        case plan.AveragePool(size=size) | plan.MaxPool(size=size):
            return make(placed.layer.kind, size=size)
        case plan.BatchNormalization():
            return make(placed.layer.kind, frozen=frozen)
        case plan.Dropout(share=share):
            return make(placed.layer.kind, share=share)
        case plan.Activation(function=function):
            return make("activation", function=function)
        case plan.Flatten():
            return make("flatten")
        case _:
            assert_never(placed.layer)


def floats(array: Float) -> Float:
    """Return an array as the compiled module takes it."""
    return np.ascontiguousarray(array, np.float32)


def named_outputs(architecture: Architecture, outputs: list[Float]) -> dict[str, Float]:
    """Return the outputs (N, numbers) of the layers in their shapes, by name."""
    return {
        placed.name: output.reshape(len(output), *placed.output_shape)
        for placed, output in zip(architecture.placed, outputs, strict=True)
    }


class NativeScorer:
    """`engines.contract.Scorer` in C++."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Float]) -> None:
        check_weights(architecture, weights)
        self.architecture = architecture
        self._network = kernels().Scorer(
            input=architecture.input, layers=[layer(placed) for placed in architecture.placed]
        )
        self._network.set_weights([floats(weights[name]) for name in architecture.parameter_shapes])

    def scores(self, inputs: Float) -> Float:
        """Return the scores (N, classes) of prepared inputs (N, maps, H, W)."""
        check_inputs(self.architecture, inputs)
        scores: Float = self._network.scores(floats(inputs))
        return scores

    def activations(self, inputs: Float) -> dict[str, Float]:
        """Return the output of each layer, by its name in `Architecture.placed`; computed by the reference kernels."""
        check_inputs(self.architecture, inputs)
        return named_outputs(self.architecture, self._network.activations(floats(inputs)))

    def line_scores(self, line: Float) -> Float:
        """Return the scores of the windows that begin at each column of a line; see `engines.contract.Scorer`.

        Each window is scored by itself: the kernels for blocks of images make up for computing most columns anew.
        """
        check_line(self.architecture, line)
        windows = sliding_window_view(line, self.architecture.input[2], axis=2).transpose(2, 0, 1, 3)
        return np.concatenate([self.scores(windows[at : at + WINDOWS]) for at in range(0, len(windows), WINDOWS)])
