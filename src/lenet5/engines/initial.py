"""Initial weights, the same for every engine. The rules are described in `spec/initial.py`."""

from math import prod, sqrt

import numpy as np

from lenet5.engines.connection_table import connection_mask
from lenet5.engines.contract import Float, Weights
from lenet5.seeds import stream
from lenet5.spec.architecture import Architecture, PlacedLayer
from lenet5.spec.initial import He, Initial, LeCun1998, Scratch
from lenet5.spec.layers import BatchNormalization, Subsample


def first_weights(architecture: Architecture, rule: Initial, seed: int) -> Weights:
    """Return initial float32 values for every trainable array of an architecture, drawn by a rule.

    Weights of connections that are missing from a connection table are 0.
    """
    random = stream(seed, "weights")
    drawn: Weights = {}
    for placed in architecture.placed:
        last = placed is architecture.placed[-1]
        for name, values in _drawn(placed, rule, random, last).items():
            drawn[f"{placed.name}.{name}"] = values.astype(np.float32)
    return drawn


def _drawn(placed: PlacedLayer, rule: Initial, random: np.random.Generator, last: bool) -> Weights:
    """Draw the arrays of one layer, in order; `last` is True for the layer whose units are the scores."""
    shapes = {name.rsplit(".", 1)[1]: shape for name, shape in placed.parameter_shapes.items()}
    if not shapes:
        return {}
    if isinstance(placed.layer, BatchNormalization):
        return {name: np.full(shape, float(name in ("weight", "variance"))) for name, shape in shapes.items()}
    mask = connection_mask(placed)
    weights, biases = shapes.values()
    weight: Float
    bias: Float
    inputs = _fan_in(placed, mask)  # (1,), or (maps,) where maps see different numbers of maps
    match rule:
        case Scratch() if not isinstance(placed.layer, Subsample):
            fan_in = prod(weights[1:]) if rule.kernel_area else weights[1]
            weight = random.normal(0.0, sqrt(2 / fan_in), weights)
            bias = random.normal(0.0, 1.0, biases)
        case LeCun1998():
            bound = bound_1998(placed, rule)
            constant = isinstance(placed.layer, Subsample) and rule.coefficients == "constant"
            weight = _wide(bound, weights) if constant else _uniform(random, bound, weights)
            bias = _uniform(random, bound, biases) if rule.biases == "uniform" else np.zeros(biases)
        case He():
            weight = random.normal(0.0, 1.0, weights) * np.sqrt((1 if last else 2) / _wide(inputs, weights))
            bias = np.zeros(biases)
        case _:
            weight = _uniform(random, 1 / np.sqrt(inputs), weights)
            bias = _uniform(random, 1 / np.sqrt(inputs), biases)
    if mask is not None:
        weight = weight * mask[:, :, None, None]
    return dict(zip(shapes, (weight, bias), strict=True))


def bound_1998(placed: PlacedLayer, rule: LeCun1998) -> Float:
    """Return the largest initial weight of a layer under the rule of 1998: (1,), or (maps,) as `_fan_in`."""
    bound: Float = rule.gain / (_fan_in(placed, connection_mask(placed)) + rule.count_bias) ** rule.exponent
    return bound


def _fan_in(placed: PlacedLayer, mask: Float | None) -> Float:
    """Return the number of inputs of each unit, not counting the bias."""
    if isinstance(placed.layer, Subsample):
        return np.array([placed.layer.size**2], np.float64)
    shape = next(iter(placed.parameter_shapes.values()))
    if mask is None:
        return np.array([prod(shape[1:])], np.float64)
    fan_in: Float = mask.sum(axis=1) * float(prod(shape[2:]))
    return fan_in


def _wide(values: Float, shape: tuple[int, ...]) -> Float:
    """Broadcast one value, or one for each map, to a shape."""
    return np.broadcast_to(values.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _uniform(random: np.random.Generator, bound: Float, shape: tuple[int, ...]) -> Float:
    limit = _wide(bound, shape)
    values: Float = random.uniform(-limit, limit)
    return values
