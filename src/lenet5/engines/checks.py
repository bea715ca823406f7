"""Validation of inputs, weights and optimiser state, with the same error messages for every engine."""

from collections.abc import Mapping

import numpy as np

from lenet5.engines.connection_table import connection_mask
from lenet5.engines.contract import Float
from lenet5.errors import EngineError, ModelError, ShapeError
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import BatchNormalization


def check_inputs(architecture: Architecture, inputs: Float) -> None:
    """Raise ShapeError unless the inputs are (N, maps, H, W) as the architecture needs them."""
    if inputs.shape[1:] != architecture.input:
        needed = ", ".join(map(str, architecture.input))
        raise ShapeError(f"inputs have shape {inputs.shape}; this network needs (N, {needed}).")


def check_weights(architecture: Architecture, weights: Mapping[str, Float]) -> None:
    """Raise ModelError unless the names and shapes are those of the architecture."""
    needed = architecture.parameter_shapes
    for name in sorted(needed.keys() | weights.keys()):
        if name not in weights:
            raise ModelError(f"the weights lack {name}, which has shape {needed[name]} in this architecture.")
        if name not in needed:
            raise ModelError(f"the weights hold {name}, which this architecture does not have.")
        if weights[name].shape != needed[name]:
            raise ModelError(f"{name} has shape {weights[name].shape}; this architecture needs {needed[name]}.")
    for placed in architecture.placed:
        mask = connection_mask(placed)
        if mask is not None and np.any(weights[f"{placed.name}.weight"][mask == 0]):
            raise ModelError(f"{placed.name}.weight is not 0 where the table of this architecture has no connection.")


def check_second_derivatives(architecture: Architecture) -> None:
    """Raise EngineError when batch normalisation makes an image's scores depend on the other images of the batch."""
    for layer in architecture.layers:
        if isinstance(layer, BatchNormalization):
            raise EngineError(
                f"{layer.name} couples the images of a batch, so the second derivatives of a single image are not "
                "defined. Leave batch normalisation out."
            )


def check_state(expected: Mapping[str, Float], state: Mapping[str, Float]) -> None:
    """Raise ModelError unless an optimiser state has the expected names and shapes."""
    if {name: array.shape for name, array in expected.items()} != {n: array.shape for n, array in state.items()}:
        raise ModelError("the optimiser state belongs to another optimiser or another architecture.")
